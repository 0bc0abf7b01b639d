/* The null platform. Owns the script that it plays. */
#include "agent/platforms/dry.h"

#include "agent/platforms/dry_target.h"
#include "agent/platforms/table.h"

static const struct dry_script *script; /* NULL: none */

void dry_play(const struct dry_script *played) {
    script = played;
}

static const struct dry_script *playing(void) {
#ifdef LANDWAITER_TEST_HOOKS
    return script || !getenv(DRY_TARGET_IMAGE) ? script : &dry_target;
#else
    return script;
#endif
}

static bool dry_configured(const struct config *config) {
    (void)config;
    return playing() != NULL;
}

static bool dry_probe(const struct platform_session *session, struct err *err) {
    (void)session;
    (void)err;
    return true;
}

static bool dry_list(const struct platform_session *session, const struct ref *repository,
                     struct targets *out, struct err *err) {
    if (playing()) {
        return playing()->list(session, repository, out, err);
    }
    (void)session;
    (void)repository;
    (void)out;
    (void)err;
    return true;
}

static bool dry_find(const struct platform_session *session, const char *target, struct target *out,
                     struct err *err) {
    if (playing()) {
        return playing()->find(session, target, out, err);
    }
    (void)session;
    (void)out;
    return err_set(err, ERR_GONE, "there is no %s: the null platform runs nothing", target);
}

static bool dry_check(struct platform_task *task, struct err *err) {
    return !playing() || playing()->check(task, err);
}

static bool dry_commit(struct platform_task *task, struct err *err) {
    return !playing() || playing()->commit(task, err);
}

static bool dry_fetch(struct platform_task *task, enum platform_fetched *out, struct err *err) {
    if (playing()) {
        return playing()->fetch(task, out, err);
    }
    (void)task;
    (void)err;
    *out = PLATFORM_FETCHED;
    return true;
}

static bool dry_observe(struct platform_task *task, struct platform_observation *out,
                        struct err *err) {
    if (playing()) {
        return playing()->observe(task, out, err);
    }
    (void)task;
    (void)err;
    *out = (struct platform_observation){.health = PLATFORM_HEALTHY,
                                         .reason = "nothing runs on the null platform"};
    return true;
}

static bool dry_memory(const struct platform_session *session, const char *target, int64_t *out,
                       struct err *err) {
    if (playing()) {
        return playing()->available_memory(session, target, out, err);
    }
    (void)session;
    (void)target;
    (void)err;
    *out = -1;
    return true;
}

static bool dry_step(struct platform_task *task, enum dry_step step, bool undo, struct err *err) {
    return !playing() || playing()->step(task, &(struct dry_call){step, undo}, err);
}

#define DRY_STEP(name, step)                                                                       \
    static bool name##_run(struct platform_task *task, struct err *err) {                          \
        return dry_step(task, step, false, err);                                                   \
    }                                                                                              \
    static bool name##_undo(struct platform_task *task, struct err *err) {                         \
        return dry_step(task, step, true, err);                                                    \
    }

DRY_STEP(prepare, DRY_PREPARE)
DRY_STEP(create, DRY_CREATE)
DRY_STEP(stop, DRY_STOP)
DRY_STEP(start, DRY_START)

static const struct platform_step dry_steps[] = {
    {.name = "prepare", .what = "note what is there", .run = prepare_run, .undo = prepare_undo},
    {.name = "create", .what = "create the new one", .run = create_run, .undo = create_undo},
    {.name = "stop", .what = "stop the old one", .run = stop_run, .undo = stop_undo, .down = true},
    {.name = "start",
     .what = "start the new one",
     .run = start_run,
     .undo = start_undo,
     .down = true},
    {.name = NULL},
};

const struct platform platform_dry = {
    .name = "dry",
    .opt_in = "nothing runs here",
    .configured = dry_configured,
    .probe = dry_probe,
    .list = dry_list,
    .find = dry_find,
    .check = dry_check,
    .fetch = dry_fetch,
    .steps = dry_steps,
    .observe = dry_observe,
    .available_memory = dry_memory,
    .commit = dry_commit,
};
