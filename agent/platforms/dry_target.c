/* A target without an engine. */
#include "agent/platforms/dry_target.h"

#ifdef LANDWAITER_TEST_HOOKS
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define TARGET "dry/site"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static char running[DIGEST_TEXT_SIZE];

static bool look(const struct config *config, struct target *out, struct err *err) {
    struct settings_labels labels = {0};
    struct target target = {.name = TARGET, .instance = "1", .enabled = true};
    const char *image = getenv(DRY_TARGET_IMAGE);
    if (!ref_parse(image ? image : "", &target.image, err)) {
        return false;
    }
    const struct config_subject subject = {
        .name = "site", .platform = "dry", .image = &target.image};
    config_settings(config, &subject, &target.settings, &labels);
    (void)pthread_mutex_lock(&mutex);
    (void)snprintf(target.running, sizeof target.running, "%s", running);
    (void)pthread_mutex_unlock(&mutex);
    *out = target;
    return true;
}

static bool list(const struct platform_session *session, const struct ref *repository,
                 struct targets *out, struct err *err) {
    struct target target;
    if (!look(session->config, &target, err)) {
        return false;
    }
    if (repository && !ref_same_repository(repository, &target.image)) {
        return true;
    }
    struct target *added = targets_add(out);
    if (!added) {
        return err_set(err, ERR_BUG, "out of memory");
    }
    *added = target;
    return true;
}

static bool find(const struct platform_session *session, const char *target, struct target *out,
                 struct err *err) {
    return strcmp(target, TARGET) == 0 ? look(session->config, out, err)
                                       : err_set(err, ERR_GONE, "there is no %s", target);
}

static bool check(struct platform_task *task, struct err *err) {
    (void)task;
    (void)err;
    return true;
}

static bool fetch(struct platform_task *task, enum platform_fetched *out, struct err *err) {
    (void)task;
    (void)err;
    *out = PLATFORM_FETCHED;
    return true;
}

static bool step(struct platform_task *task, const struct dry_call *call, struct err *err) {
    (void)task;
    (void)call;
    (void)err;
    return true;
}

static bool observe(struct platform_task *task, struct platform_observation *out, struct err *err) {
    (void)task;
    (void)err;
    *out = (struct platform_observation){.health = PLATFORM_HEALTHY,
                                         .reason = "nothing runs on the null platform"};
    return true;
}

static bool memory(const struct platform_session *session, const char *target, int64_t *out,
                   struct err *err) {
    (void)session;
    (void)target;
    (void)err;
    *out = -1;
    return true;
}

static bool commit(struct platform_task *task, struct err *err) {
    (void)err;
    (void)pthread_mutex_lock(&mutex);
    (void)snprintf(running, sizeof running, "%s", task->digest);
    (void)pthread_mutex_unlock(&mutex);
    return true;
}

const struct dry_script dry_target = {.list = list,
                                      .find = find,
                                      .check = check,
                                      .fetch = fetch,
                                      .step = step,
                                      .observe = observe,
                                      .available_memory = memory,
                                      .commit = commit};
#else
typedef int dry_target_nothing; /* a translation unit must not be empty */
#endif
