/* Owns the unsupported cases and their messages. Reads only. */
#include "agent/platforms/docker/check.h"

#include "agent/platforms/docker/container.h"
#include "agent/platforms/docker/image.h"
#include "agent/platforms/docker/list.h"
#include "agent/platforms/docker/seen.h"
#include "base/json.h"

bool check_document(const json_t *inspect, struct err *err) {
    char reason[160];
    const json_t *config = json_object_member(inspect, "Config");
    if (json_bool(json_object_member(inspect, "HostConfig"), "AutoRemove", false)) {
        return err_set(err, ERR_INVALID,
                       "it was started with --rm, so stopping it would remove it "
                       "and nothing could be put back; start it without --rm");
    }
    if (json_text(json_object_member(config, "Labels"), CONTAINER_LABEL_SWARM_TASK)) {
        return err_set(err, ERR_INVALID, "it is a Swarm task; update its service instead");
    }
    if (container_image_pinned(container_image_name(inspect), container_image_id(inspect))) {
        return err_set(err, ERR_INVALID, "its image is pinned by digest or id");
    }
    if (container_idle(container_status(inspect), reason, sizeof reason)) {
        return err_set(err, ERR_INVALID, "%s", reason);
    }
    return true;
}

bool check_linked(const json_t *entry, char *consumer, size_t size) {
    size_t i = 0;
    json_t *item = NULL;
    json_array_foreach(json_array_member(entry, "Names"), i, item) {
        const char *name = json_string_value(item);
        const char *slash = name && name[0] == '/' ? strchr(name + 1, '/') : NULL;
        if (slash) {
            (void)snprintf(consumer, size, "%.*s", (int)(slash - name - 1), name + 1);
            return true;
        }
    }
    return false;
}

/* Does a list entry say that it uses the network of this container? */
static bool check_network(const json_t *entry, const char *id) {
    const char *mode = container_shares(entry, "NetworkMode");
    return mode && strcmp(mode, id) == 0;
}

/* May the container that cannot be inspected be left out? It must not hold up the others for ever. */
static bool check_unseen(const struct engine *engine, const char *id, const json_t *other,
                         const struct err *failed) {
    return failed->kind == ERR_GONE ||
           (engine->answered && !check_network(other, id) && seen_hopeless(json_text(other, "Id")));
}

/* Does the other container share a namespace of this one? */
static bool check_other(struct engine *engine, const char *id, const json_t *other,
                        struct err *err) {
    struct seen seen;
    struct err failed = ERR_INIT;
    const char *other_id = json_text(other, "Id");
    if (!other_id || strcmp(other_id, id) == 0) {
        return true;
    }
    if (!seen_get(engine, other_id, &seen, &failed)) {
        bool passes = check_unseen(engine, id, other, &failed);
        if (!passes && err) {
            *err = failed;
        }
        return passes;
    }
    const char *what = NULL;
    if (strcmp(seen.network_of, id) == 0) {
        what = "network";
    } else if (strcmp(seen.ipc_of, id) == 0) {
        what = "IPC namespace";
    } else if (strcmp(seen.pid_of, id) == 0) {
        what = "PID namespace";
    }
    if (!what) {
        return true;
    }
    return err_set(err, ERR_INVALID,
                   "the container %s uses its %s and would be cut off; updating both together is "
                   "not supported yet",
                   list_name(other), what);
}

static bool check_others(struct engine *engine, const char *id, json_t *shared, struct err *err) {
    CLEANUP(json_release) json_t *list = NULL;
    size_t i = 0;
    json_t *entry = NULL;
    char consumer[256];
    if (!list_shared(engine, shared, &list, err)) {
        return false;
    }
    json_array_foreach(list, i, entry) {
        const char *entry_id = json_text(entry, "Id");
        if (entry_id && strcmp(entry_id, id) == 0 &&
            check_linked(entry, consumer, sizeof consumer)) {
            return err_set(err, ERR_INVALID,
                           "the container %s is linked to it (--link) and would lose it; updating "
                           "both together is not supported yet",
                           consumer);
        }
        if (!check_other(engine, id, entry, err)) {
            return false;
        }
    }
    return true;
}

bool check_container(struct platform_task *task, struct err *err) {
    CLEANUP(json_release) json_t *inspect = NULL;
    CLEANUP(json_release) json_t *image = NULL;
    struct engine engine;
    if (!engine_open(task->session, &engine, err)) {
        return false;
    }
    if (!container_inspect(&engine, task->instance, &inspect, err)) {
        return err_wrap(err, "%s", task->target);
    }
    const char *name = container_name(inspect);
    if (strcmp(name, task->target + strlen(LIST_TARGET_PREFIX)) != 0) {
        return err_set(err, ERR_GONE, "the container is named %s now", name);
    }
    if (!check_document(inspect, err)) {
        return false;
    }
    if (container_is_self(container_id(inspect))) {
        return err_set(err, ERR_INVALID,
                       "it is Landwaiter's own container, which cannot replace "
                       "itself; update it from outside");
    }
    struct err missing = ERR_INIT;
    if (!image_inspect(&engine, container_image_id(inspect), &image, &missing)) {
        if (missing.kind == ERR_GONE) {
            return err_set(err, ERR_INVALID,
                           "the image that it was made from was removed, so what its owner set "
                           "cannot be told from the image's defaults; create it anew by hand");
        }
        if (err) {
            *err = missing;
        }
        return false;
    }
    return check_others(&engine, container_id(inspect), task->session->shared, err);
}
