/* A swap's two containers. Renames, stops and removes nothing. */
#include "agent/platforms/docker/swap.h"

#include <string.h>

#include "agent/platforms/docker/list.h"
#include "agent/platforms/watched.h"
#include "base/clock.h"
#include "base/json.h"

#define STEPS_START_TIMEOUT_MS 120000

/* Another engine knows nothing of OLD: all of it would look as if somebody had removed it. */
bool swap_engine(const struct platform_task *task, struct engine *out, struct err *err) {
    const char *host = json_text(task->journal, STEPS_HOST);
    if (host && strcmp(host, task->session->config->docker.host) != 0) {
        return err_set(err, ERR_TRANSIENT, "its engine %.200s is not the configured one any more",
                       host);
    }
    return engine_open(task->session, out, err);
}

bool swap_open(struct platform_task *task, struct swap *swap, struct err *err) {
    *swap = (struct swap){.old_id = task->instance,
                          .new_id = json_text(task->journal, STEPS_NEW),
                          .name = task->target + strlen(LIST_TARGET_PREFIX)};
    if (strncmp(task->target, LIST_TARGET_PREFIX, strlen(LIST_TARGET_PREFIX)) != 0 ||
        !container_name_valid(swap->name) || !container_name_valid(swap->old_id)) {
        return err_set(err, ERR_BUG, "%s is not a container", task->target);
    }
    container_new_name(swap->name, swap->old_id, swap->new_name);
    container_aside_name(swap->name, swap->old_id, swap->aside);
    return swap_engine(task, &swap->engine, err);
}

bool swap_open_both(struct platform_task *task, struct swap *swap, struct err *err) {
    if (!swap_open(task, swap, err)) {
        return false;
    }
    return swap->new_id || err_set(err, ERR_BUG, "the new container's id is not known");
}

bool swap_start_container(struct swap *swap, const char *id, struct engine_answer *answer,
                          struct err *err) {
    char path[ENGINE_PATH_SIZE];
    (void)snprintf(path, sizeof path, "/containers/%s/start", id);
    const struct engine_call call = {
        .method = "POST", .path = path, .timeout_ms = STEPS_START_TIMEOUT_MS};
    return engine_call(&swap->engine, &call, answer, err);
}

bool swap_started(json_t *notes) {
    char boot[WATCHED_BOOT_SIZE];
    (void)json_object_del(notes, "healthy_ms");
    (void)json_object_del(notes, "started_at");
    return json_object_set_new(notes, "started_ms", json_integer(clock_boot_ms())) == 0 &&
           watched_note(notes, watched_boot(boot));
}

bool swap_start(struct platform_task *task, struct err *err) {
    CLEANUP(engine_answer_release) struct engine_answer answer = ENGINE_ANSWER_INIT;
    struct swap swap;
    if (!swap_open_both(task, &swap, err)) {
        return false;
    }
    if (!swap_start_container(&swap, swap.new_id, &answer, err)) {
        return answer.status ? err_set(err, ERR_INVALID, "%s", answer.message) : false;
    }
    /* 304: it ran already. */
    return answer.status == 304 || swap_started(task->journal) ||
           err_set(err, ERR_BUG, "out of memory");
}
