/* The table of a swap's steps, with `create`, `start` and `park`, and the commit. A step whose call
 * fails looks at the containers instead of guessing.
 *
 * From `stop` to `start` each step forwards is a single call, because the target is down meanwhile;
 * `prepare` reads everything that they need. */
#include "agent/platforms/docker/steps.h"

#include "agent/platforms/docker/container.h"
#include "agent/platforms/docker/create.h"
#include "agent/platforms/docker/engine.h"
#include "agent/platforms/docker/prepare.h"
#include "agent/platforms/docker/rename.h"
#include "agent/platforms/docker/stop.h"
#include "agent/platforms/docker/swap.h"
#include "agent/platforms/docker/tag.h"
#include "base/json.h"

/* ---- create ---- */

static bool create_run(struct platform_task *task, struct err *err) {
    struct swap swap;
    struct create_order order = {.image = json_text(task->journal, SWAP_IMAGE),
                                 .image_id = json_text(task->journal, SWAP_IMAGE_ID)};
    if (!order.image || !order.image_id) {
        return err_set(err, ERR_BUG, "the new image's id is not known");
    }
    if (!swap_open(task, &swap, err)) {
        return false;
    }
    order.old_id = swap.old_id;
    order.name = swap.new_name;
    if (!create_container(&swap.engine, &order, err)) {
        /* A rollback of another container with the same tag moved the tag: move it back and
         * retry. */
        struct err ignored = ERR_INIT;
        if (order.tag_moved) {
            (void)!tag_move(&swap.engine, order.image_id, order.image, &ignored);
        }
        return false;
    }
    return json_object_set_new(task->journal, SWAP_NEW, json_string(order.id)) == 0 ||
           err_set(err, ERR_BUG, "out of memory");
}

static bool create_undo(struct platform_task *task, struct err *err) {
    struct swap swap;
    char name[CONTAINER_NAME_SIZE] = "";
    if (!swap_open(task, &swap, err)) {
        return false;
    }
    if (swap.new_id && !swap_name_of(&swap, swap.new_id, name, err)) {
        return false;
    }
    if (name[0] != '\0' && strcmp(name, swap.new_name) != 0) {
        return err_set(err, ERR_INVALID,
                       "the new container is named %s now and was left as it is; remove it by hand",
                       name);
    }
    /* By name: the answer with its id may have been lost. */
    return create_remove(&swap.engine, swap.new_name, err);
}

/* ---- start ---- */

static bool start_undo(struct platform_task *task, struct err *err) {
    struct swap swap;
    struct err failed = ERR_INIT;
    if (!swap_open_both(task, &swap, err) || !swap_old_there(&swap, err)) {
        return false;
    }
    if (stop_for_good(task, &swap, swap.new_id, &failed) || failed.kind == ERR_GONE) {
        return true;
    }
    if (err) {
        *err = failed;
    }
    return false;
}

/* ---- park ---- */

/* A reboot must not start OLD beside NEW: both want the same ports. */
static bool park_run(struct platform_task *task, struct err *err) {
    struct swap swap;
    struct err failed = ERR_INIT;
    if (!swap_open(task, &swap, err)) {
        return false;
    }
    if (stop_park(task, &swap, swap.old_id, &failed) || failed.kind == ERR_GONE) {
        return true; /* a removed container does not start */
    }
    if (err) {
        *err = failed;
    }
    return false;
}

/* ---- commit ---- */

bool steps_commit(struct platform_task *task, struct err *err) {
    CLEANUP(json_release) json_t *old = NULL;
    CLEANUP(engine_answer_release) struct engine_answer answer = ENGINE_ANSWER_INIT;
    struct swap swap;
    struct err failed = ERR_INIT;
    char path[ENGINE_PATH_SIZE];
    if (!swap_open(task, &swap, err)) {
        return false;
    }
    if (!container_inspect(&swap.engine, swap.old_id, &old, &failed)) {
        if (failed.kind == ERR_GONE) {
            return true;
        }
        if (err) {
            *err = failed;
        }
        return false;
    }
    /* Somebody renamed it to keep it. */
    if (strcmp(container_name(old), swap.aside) != 0) {
        return true;
    }
    /* A reboot before `park` may have started it. */
    if (strcmp(container_status(old), "exited") != 0 &&
        !stop_container(task, &swap, swap.old_id, err)) {
        return false;
    }
    (void)snprintf(path, sizeof path, "/containers/%s?v=0", swap.old_id);
    const struct engine_call call = {.method = "DELETE", .path = path, .timeout_ms = 120000};
    if (engine_call(&swap.engine, &call, &answer, err) || answer.status == 404) {
        return true;
    }
    return answer.status == 409 ? err_set(err, ERR_TRANSIENT, "%s", answer.message) : false;
}

const struct platform_step steps_table[] = {
    {.name = "prepare", .what = "note what is there", .run = prepare_run},
    {.name = "tag",
     .what = "move the local tag to the new image",
     .run = tag_run,
     .undo = tag_undo},
    {.name = "create",
     .what = "create the new container beside the old one",
     .run = create_run,
     .undo = create_undo},
    {.name = "stop",
     .what = "stop the old container",
     .run = stop_run,
     .undo = stop_undo,
     .down = true},
    {.name = "rename-old",
     .what = "take the name from the old container",
     .run = rename_old_run,
     .undo = rename_old_undo,
     .down = true},
    {.name = "rename-new",
     .what = "give the name to the new container",
     .run = rename_new_run,
     .undo = rename_new_undo,
     .down = true},
    {.name = "start",
     .what = "start the new container",
     .run = swap_start,
     .undo = start_undo,
     .down = true},
    {.name = "park", .what = "keep a reboot from starting the old container", .run = park_run},
    {.name = NULL},
};
