/* The null platform: runs nothing, answers everything. No configuration turns it on; tests and the
 * simulation use it where a platform has to be there. */
#include "agent/platform.h"

static bool dry_configured(const struct config *config) {
    (void)config;
    return false;
}

static bool dry_probe(const struct platform_session *session, struct err *err) {
    (void)session;
    (void)err;
    return true;
}

static bool dry_list(const struct platform_session *session, const struct ref *repository,
                     struct platform_targets *out, struct err *err) {
    (void)session;
    (void)repository;
    (void)out;
    (void)err;
    return true;
}

static bool dry_find(const struct platform_session *session, const char *target,
                     struct platform_target *out, struct err *err) {
    (void)session;
    (void)out;
    return err_set(err, ERR_GONE, "there is no %s: the null platform runs nothing", target);
}

static bool dry_yes(struct platform_task *task, struct err *err) {
    (void)task;
    (void)err;
    return true;
}

static bool dry_fetch(struct platform_task *task, enum platform_fetched *out, struct err *err) {
    (void)task;
    (void)err;
    *out = PLATFORM_FETCHED;
    return true;
}

static bool dry_observe(struct platform_task *task, struct platform_observation *out,
                        struct err *err) {
    (void)task;
    (void)err;
    *out = (struct platform_observation){.health = PLATFORM_HEALTHY,
                                         .reason = "nothing runs on the null platform"};
    return true;
}

static bool dry_memory(const struct platform_session *session, const char *target, int64_t *out,
                       struct err *err) {
    (void)session;
    (void)target;
    (void)err;
    *out = -1;
    return true;
}

static const struct platform_step dry_steps[] = {{.name = NULL}};

const struct platform platform_dry = {
    .name = "dry",
    .opt_in = "nothing runs here",
    .configured = dry_configured,
    .probe = dry_probe,
    .list = dry_list,
    .find = dry_find,
    .check = dry_yes,
    .fetch = dry_fetch,
    .steps = dry_steps,
    .observe = dry_observe,
    .available_memory = dry_memory,
    .commit = dry_yes,
};
