/* Opens a swap, reads its two containers and starts them. Renames, stops and removes nothing. */
#include "agent/platforms/docker/swap.h"

#include <string.h>

#include "agent/platforms/docker/list.h"
#include "agent/platforms/watched.h"
#include "base/clock.h"
#include "base/json.h"

#define SWAP_START_TIMEOUT_MS 120000
#define SWAP_POLICY_SIZE 32 /* "unless-stopped" */

/* On another engine OLD would look removed. */
bool swap_engine(const struct platform_task *task, struct engine *out, struct err *err) {
    const char *host = json_text(task->journal, SWAP_HOST);
    if (host && strcmp(host, task->session->config->docker.host) != 0) {
        return err_set(err, ERR_TRANSIENT, "its engine %.200s is not the configured one any more",
                       host);
    }
    return engine_open(task->session, out, err);
}

bool swap_open(struct platform_task *task, struct swap *swap, struct err *err) {
    *swap = (struct swap){.old_id = task->instance,
                          .new_id = json_text(task->journal, SWAP_NEW),
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

bool swap_name_of(struct swap *swap, const char *id, char name[static CONTAINER_NAME_SIZE],
                  struct err *err) {
    CLEANUP(json_release) json_t *inspect = NULL;
    struct err failed = ERR_INIT;
    name[0] = '\0';
    if (container_inspect(&swap->engine, id, &inspect, &failed)) {
        (void)snprintf(name, CONTAINER_NAME_SIZE, "%s", container_name(inspect));
        return true;
    }
    if (failed.kind == ERR_GONE) {
        return true;
    }
    if (err) {
        *err = failed;
    }
    return false;
}

bool swap_old_there(struct swap *swap, struct err *err) {
    char name[CONTAINER_NAME_SIZE];
    if (!swap_name_of(swap, swap->old_id, name, err)) {
        return false;
    }
    return name[0] != '\0' ||
           err_set(err, ERR_GONE,
                   "the old container of %s was removed by somebody; the new one was left as it is",
                   swap->name);
}

json_t *swap_restart_policy(const json_t *inspect) {
    const json_t *policy =
        json_object_member(json_object_member(inspect, "HostConfig"), "RestartPolicy");
    const char *written = json_text(policy, "Name");
    char name[SWAP_POLICY_SIZE];
    if (!policy) {
        return NULL;
    }
    (void)snprintf(name, sizeof name, "%s", written ? written : "");
    return json_pack("{s:s, s:I}", "Name", name, "MaximumRetryCount",
                     (json_int_t)json_int(policy, "MaximumRetryCount", 0));
}

bool swap_start_container(struct swap *swap, const char *id, struct engine_answer *answer,
                          struct err *err) {
    char path[ENGINE_PATH_SIZE];
    (void)snprintf(path, sizeof path, "/containers/%s/start", id);
    const struct engine_call call = {
        .method = "POST", .path = path, .timeout_ms = SWAP_START_TIMEOUT_MS};
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
    /* 304: already running. */
    return answer.status == 304 || swap_started(task->journal) ||
           err_set(err, ERR_BUG, "out of memory");
}
