/* The Docker driver's row in the platform table, and fetching. Its other files: list (targets),
 * check (refusals), steps (the swap), observe (the health gate). */
#include "agent/platforms/docker/check.h"
#include "agent/platforms/docker/container.h"
#include "agent/platforms/docker/image.h"
#include "agent/platforms/docker/list.h"
#include "agent/platforms/docker/memory.h"
#include "agent/platforms/docker/observe.h"
#include "agent/platforms/docker/pull.h"
#include "agent/platforms/docker/steps.h"
#include "agent/platforms/table.h"
#include "base/json.h"

static bool docker_configured(const struct config *config) {
    return config->docker.enabled;
}

/* Updates need the list, so an engine that answers other questions only is not ready. */
static bool docker_probe(const struct platform_session *session, struct err *err) {
    CLEANUP(json_release) json_t *list = NULL;
    struct engine engine;
    return engine_open(session, &engine, err) && list_containers(&engine, &list, err);
}

/* The target's present image; comparisons need it. */
static bool docker_old_image(struct engine *engine, const struct platform_task *task, json_t **out,
                             struct err *err) {
    CLEANUP(json_release) json_t *old = NULL;
    return container_inspect(engine, task->instance, &old, err) &&
           image_inspect(engine, container_image_id(old), out, err);
}

static bool docker_new_image(struct engine *engine, const struct platform_task *task, json_t **out,
                             struct err *err) {
    char name[REF_NAME_SIZE];
    char text[REF_NAME_SIZE + DIGEST_TEXT_SIZE + 1];
    (void)snprintf(text, sizeof text, "%s@%s", ref_name(&task->image, name), task->digest);
    return image_inspect(engine, text, out, err);
}

static bool docker_fetch(struct platform_task *task, enum platform_fetched *out, struct err *err) {
    CLEANUP(json_release) json_t *old = NULL;
    CLEANUP(json_release) json_t *image = NULL;
    struct engine engine;
    struct err missing = ERR_INIT;
    if (!engine_open(task->session, &engine, err) || !docker_old_image(&engine, task, &old, err)) {
        return false;
    }
    if (!docker_new_image(&engine, task, &image, &missing)) {
        if (missing.kind != ERR_GONE) {
            if (err) {
                *err = missing;
            }
            return false;
        }
        if (!pull_image(&engine, task->session, &task->image, task->digest, err)) {
            return false;
        }
        if (!docker_new_image(&engine, task, &image, &missing)) {
            return err_set(err, ERR_TRANSIENT,
                           "the Docker engine says that it pulled the image, but does not have it: "
                           "%.200s",
                           missing.message);
        }
    }
    *out = image_same(old, image) ? PLATFORM_SAME : PLATFORM_FETCHED;
    return true;
}

const struct platform platform_docker = {
    .name = "docker",
    .opt_in = "set the label landwaiter.enable=true on it",
    .configured = docker_configured,
    .probe = docker_probe,
    .list = list_targets,
    .find = list_find,
    .check = check_container,
    .fetch = docker_fetch,
    .steps = steps_table,
    .observe = observe_container,
    .available_memory = memory_available,
    .examine = list_examine,
    .commit = steps_commit,
};
