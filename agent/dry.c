/* The null platform: runs nothing, answers everything. No configuration turns it on; tests and the
 * simulation use it where a platform has to be there. In builds with the tests LANDWAITER_TEST_DRY
 * names the image of its one target, dry/site, which runs whatever was brought to it last. */
#include "agent/platform.h"

#ifdef LANDWAITER_TEST_HOOKS
#include <pthread.h>

#define DRY_TARGET "dry/site"

static pthread_mutex_t dry_mutex = PTHREAD_MUTEX_INITIALIZER;
static char dry_running[DIGEST_TEXT_SIZE];

static bool dry_configured(const struct config *config) {
    (void)config;
    return getenv("LANDWAITER_TEST_DRY") != NULL;
}

static bool dry_look(const struct config *config, struct platform_target *out, struct err *err) {
    struct settings_labels labels = {0};
    struct platform_target target = {.name = DRY_TARGET, .instance = "1", .enabled = true};
    if (!ref_parse(getenv("LANDWAITER_TEST_DRY"), &target.image, err)) {
        return false;
    }
    const struct config_subject subject = {
        .name = "site", .platform = "dry", .image = &target.image};
    config_settings(config, &subject, &target.settings, &labels);
    (void)pthread_mutex_lock(&dry_mutex);
    (void)snprintf(target.running, sizeof target.running, "%s", dry_running);
    (void)pthread_mutex_unlock(&dry_mutex);
    *out = target;
    return true;
}

static bool dry_list(const struct platform_session *session, const struct ref *repository,
                     struct platform_targets *out, struct err *err) {
    struct platform_target target;
    if (!dry_configured(session->config)) {
        return true;
    }
    if (!dry_look(session->config, &target, err)) {
        return false;
    }
    if (repository && !ref_same_repository(repository, &target.image)) {
        return true;
    }
    struct platform_target *added = platform_targets_add(out);
    if (!added) {
        return err_set(err, ERR_BUG, "out of memory");
    }
    *added = target;
    return true;
}

static bool dry_find(const struct platform_session *session, const char *target,
                     struct platform_target *out, struct err *err) {
    if (dry_configured(session->config) && strcmp(target, DRY_TARGET) == 0) {
        return dry_look(session->config, out, err);
    }
    return err_set(err, ERR_GONE, "there is no %s: the null platform runs nothing", target);
}

static bool dry_commit(struct platform_task *task, struct err *err) {
    (void)err;
    (void)pthread_mutex_lock(&dry_mutex);
    (void)snprintf(dry_running, sizeof dry_running, "%s", task->digest);
    (void)pthread_mutex_unlock(&dry_mutex);
    return true;
}
#else
static bool dry_configured(const struct config *config) {
    (void)config;
    return false;
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

static bool dry_commit(struct platform_task *task, struct err *err) {
    (void)task;
    (void)err;
    return true;
}
#endif

static bool dry_probe(const struct platform_session *session, struct err *err) {
    (void)session;
    (void)err;
    return true;
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
    .commit = dry_commit,
};
