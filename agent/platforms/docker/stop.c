/* Stops containers and starts OLD again. Never touches a container other than OLD and NEW. */
#include "agent/platforms/docker/stop.h"

#include "agent/platforms/docker/container.h"
#include "agent/platforms/docker/engine.h"
#include "base/json.h"

#define STOP_SLACK_MS 30000

bool stop_container(struct platform_task *task, struct swap *swap, const char *id,
                    struct err *err) {
    CLEANUP(engine_answer_release) struct engine_answer answer = ENGINE_ANSWER_INIT;
    char path[ENGINE_PATH_SIZE];
    int64_t own = json_int(task->journal, SWAP_STOP_MS, 10000);
    int64_t asked = task->settings.stop_timeout_ms;
    int length = snprintf(path, sizeof path, "/containers/%s/stop", id);
    if (asked >= 0 && length > 0) {
        (void)snprintf(path + length, sizeof path - (size_t)length, "?t=%lld",
                       (long long)((asked + 999) / 1000));
    }
    const struct engine_call call = {
        .method = "POST", .path = path, .timeout_ms = own < 0 ? -1 : own + STOP_SLACK_MS};
    if (engine_call(&swap->engine, &call, &answer, err)) {
        return true;
    }
    return answer.status == 404
               ? err_set(err, ERR_GONE, "the container was removed by somebody meanwhile")
               : false;
}

bool stop_run(struct platform_task *task, struct err *err) {
    struct swap swap;
    return swap_open(task, &swap, err) && stop_container(task, &swap, swap.old_id, err);
}

static bool stop_set_restart(struct swap *swap, const char *id, json_t *policy, struct err *err) {
    CLEANUP(engine_answer_release) struct engine_answer answer = ENGINE_ANSWER_INIT;
    CLEANUP(json_release) json_t *body = json_pack("{s:O}", "RestartPolicy", policy);
    char path[ENGINE_PATH_SIZE];
    (void)snprintf(path, sizeof path, "/containers/%s/update", id);
    const struct engine_call call = {.method = "POST", .path = path, .body = body};
    return engine_call(&swap->engine, &call, &answer, err);
}

bool stop_park(struct platform_task *task, struct swap *swap, const char *id, struct err *err) {
    const char *policy = json_text(json_object_member(task->journal, SWAP_RESTART), "Name");
    CLEANUP(json_release)
    json_t *none = json_pack("{s:s, s:i}", "Name", "no", "MaximumRetryCount", 0);
    if (!policy || *policy == '\0' || strcmp(policy, "no") == 0) {
        return true;
    }
    return stop_set_restart(swap, id, none, err);
}

bool stop_for_good(struct platform_task *task, struct swap *swap, const char *id, struct err *err) {
    struct err ignored = ERR_INIT;
    bool parked = stop_park(task, swap, id, &ignored);
    if (!stop_container(task, swap, id, err)) {
        return false;
    }
    /* Some engines change the policy of stopped containers only. */
    if (!parked) {
        (void)!stop_park(task, swap, id, &ignored);
    }
    return true;
}

/* Gives OLD the restart policy it had before `park`. */
static bool stop_restore_policy(struct platform_task *task, struct swap *swap, struct err *err) {
    CLEANUP(json_release) json_t *old = NULL;
    json_t *policy = json_object_member(task->journal, SWAP_RESTART);
    if (!policy) {
        return true;
    }
    if (!container_inspect(&swap->engine, swap->old_id, &old, err)) {
        return false;
    }
    CLEANUP(json_release) json_t *now = swap_restart_policy(old);
    return (now && json_equal(now, policy)) || stop_set_restart(swap, swap->old_id, policy, err);
}

/* Did the owner give NAME to a third container? */
static bool stop_taken(struct swap *swap, bool *taken, struct err *err) {
    CLEANUP(json_release) json_t *holder = NULL;
    struct err failed = ERR_INIT;
    if (!container_inspect(&swap->engine, swap->name, &holder, &failed)) {
        *taken = false;
        if (failed.kind != ERR_GONE && err) {
            *err = failed;
        }
        return failed.kind == ERR_GONE;
    }
    const char *id = container_id(holder);
    /* The engine also finds a container by the first digits of its id; compare the name. */
    *taken = strcmp(container_name(holder), swap->name) == 0 && strcmp(id, swap->old_id) != 0 &&
             (!swap->new_id || strcmp(id, swap->new_id) != 0);
    return true;
}

/* Leaves NAME to the owner's container. Stops OLD only under the name that the step gave it: under
 * any other it belongs to the owner too. */
static bool stop_leave(struct platform_task *task, struct swap *swap, struct err *err) {
    char now[CONTAINER_NAME_SIZE];
    if (!swap_name_of(swap, swap->old_id, now, err)) {
        return false;
    }
    if (now[0] == '\0') {
        return err_set(err, ERR_GONE, "%s was replaced by somebody meanwhile", swap->name);
    }
    bool aside = strcmp(now, swap->aside) == 0;
    if (aside && !stop_for_good(task, swap, swap->old_id, err)) {
        return false;
    }
    return err_set(err, ERR_INVALID,
                   "%s was given to another container meanwhile; the old one was left %s %s",
                   swap->name, aside ? "stopped as" : "as it is, named", now);
}

/* Stops NEW, which the engine may have restarted: OLD cannot take a port that NEW holds. */
static void stop_new_again(struct platform_task *task, struct swap *swap) {
    const char *id = swap->new_id ? swap->new_id : swap->new_name;
    char now[CONTAINER_NAME_SIZE];
    struct err ignored = ERR_INIT;
    if (swap_name_of(swap, id, now, &ignored) && strcmp(now, swap->new_name) == 0) {
        (void)!stop_for_good(task, swap, id, &ignored);
    }
}

bool stop_undo(struct platform_task *task, struct err *err) {
    CLEANUP(engine_answer_release) struct engine_answer answer = ENGINE_ANSWER_INIT;
    struct swap swap;
    bool taken = false;
    if (!swap_open(task, &swap, err) || !stop_taken(&swap, &taken, err)) {
        return false;
    }
    if (taken) {
        return stop_leave(task, &swap, err);
    }
    if (!swap_start_container(&swap, swap.old_id, &answer, err)) {
        if (answer.status == 404) {
            return err_set(err, ERR_GONE, "the old container of %s was removed by somebody",
                           swap.name);
        }
        /* Retry every refusal (a port still in use, an address taken): OLD must run again. */
        if (answer.status) {
            stop_new_again(task, &swap);
        }
        return answer.status ? err_set(err, ERR_TRANSIENT, "starting the old container of %s: %s",
                                       swap.name, answer.message)
                             : false;
    }
    return stop_restore_policy(task, &swap, err);
}
