/* Renames OLD and NEW, and undoes it. Overwrites no name that somebody else gave. */
#include "agent/platforms/docker/rename.h"

#include "agent/platforms/docker/container.h"
#include "agent/platforms/docker/engine.h"
#include "agent/platforms/docker/swap.h"

struct renaming {
    const char *id, *from, *to;
    const char *which; /* "old", "new" */
};

/* Renames without looking first; looks after a failure, because it may be done since a crash. */
static bool rename_container(struct swap *swap, const struct renaming *wish, struct err *err) {
    struct err failed = ERR_INIT;
    char now[CONTAINER_NAME_SIZE];
    if (engine_do(&swap->engine, "POST", &failed, "/containers/%s/rename?name=%s", wish->id,
                  wish->to)) {
        return true;
    }
    if (failed.kind == ERR_TRANSIENT || !swap_name_of(swap, wish->id, now, &failed)) {
        if (err) {
            *err = failed;
        }
        return false;
    }
    if (strcmp(now, wish->to) == 0) {
        return true;
    }
    if (now[0] == '\0') {
        return err_set(err, ERR_GONE, "the %s container of %s was removed by somebody meanwhile",
                       wish->which, swap->name);
    }
    return err_set(err, ERR_INVALID, "the %s container of %s could not be named %s: %.250s",
                   wish->which, swap->name, wish->to, failed.message);
}

/* Undoes a renaming. Leaves a container that somebody renamed since. */
static bool rename_back(struct swap *swap, const struct renaming *wish, struct err *err) {
    char now[CONTAINER_NAME_SIZE];
    if (!swap_name_of(swap, wish->id, now, err)) {
        return false;
    }
    if (now[0] == '\0' || strcmp(now, wish->to) == 0) {
        return true;
    }
    if (strcmp(now, wish->from) != 0) {
        return err_set(err, ERR_INVALID, "the %s container of %s was renamed to %s by somebody",
                       wish->which, swap->name, now);
    }
    return rename_container(swap, wish, err);
}

bool rename_old_run(struct platform_task *task, struct err *err) {
    struct swap swap;
    if (!swap_open(task, &swap, err)) {
        return false;
    }
    const struct renaming wish = {swap.old_id, swap.name, swap.aside, "old"};
    return rename_container(&swap, &wish, err);
}

bool rename_old_undo(struct platform_task *task, struct err *err) {
    struct swap swap;
    if (!swap_open(task, &swap, err) || !swap_old_there(&swap, err)) {
        return false;
    }
    const struct renaming wish = {swap.old_id, swap.aside, swap.name, "old"};
    return rename_back(&swap, &wish, err);
}

bool rename_new_run(struct platform_task *task, struct err *err) {
    struct swap swap;
    if (!swap_open_both(task, &swap, err)) {
        return false;
    }
    const struct renaming wish = {swap.new_id, swap.new_name, swap.name, "new"};
    return rename_container(&swap, &wish, err);
}

bool rename_new_undo(struct platform_task *task, struct err *err) {
    struct swap swap;
    if (!swap_open_both(task, &swap, err) || !swap_old_there(&swap, err)) {
        return false;
    }
    const struct renaming wish = {swap.new_id, swap.name, swap.new_name, "new"};
    return rename_back(&swap, &wish, err);
}
