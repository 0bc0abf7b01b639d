/* The stages that decide and touch nothing: policy, resolve, verify, fetch. And notify, which
 * tells. */
#include "agent/gate.h"
#include "agent/id.h"
#include "agent/pipeline.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"

#define DECIDE_LAG_MS (15 * 60 * 1000)            /* how long a registry may lag behind a push */
#define DECIDE_AWAY_MS (24 * 60 * 60 * 1000)      /* how long a registry or an engine may be away */
#define DECIDE_FETCH_AWAY_MS (6 * 60 * 60 * 1000) /* how long a pull may fail for now */
#define DECIDE_SHARED_MS 10000                    /* how old a shared answer may be … */
#define DECIDE_SHARED_AGAIN_MS 800 /* … and at a second look, less than the shortest wait */

static const struct outcome_backoff decide_away = {.first_ms = 2000, .most_ms = 5 * 60 * 1000};
static const struct outcome_backoff decide_lag = {.first_ms = 1000, .most_ms = 30 * 1000};

static bool decide_too_late(const struct store_update *update, int64_t limit_ms) {
    return clock_now_ms() - update->stage_since_ms > limit_ms;
}

/* What a failure for now means: wait, or give up limit_ms after the first of them. An update may
 * have waited at the gate for days before. */
static struct outcome decide_retry(struct store_update *update, const struct err *err,
                                   int64_t limit_ms) {
    int64_t now = clock_now_ms();
    if (update->attempts == 0 || !json_object_get(update->journal, "away")) {
        (void)json_object_set_new(update->journal, "away", json_integer(now));
    }
    if (now - json_int(update->journal, "away", now) > limit_ms) {
        char waited[CLOCK_TEXT_SIZE];
        (void)clock_duration_text(limit_ms, waited);
        return outcome_fail("gave up after %s: %s", waited, err->message);
    }
    return outcome_again(update, &decide_away, err);
}

/* ---- policy ---- */

/* Whatever its name: may what stands there now be updated with that image? */
static bool target_wanted(const struct store_update *update, const struct platform_target *target,
                          struct outcome *out) {
    char name[REF_NAME_SIZE];
    if (target->image.path[0] && !ref_same_repository(&target->image, &update->image)) {
        *out = outcome_drop("cancelled", "it runs another image now: %.250s",
                            ref_name(&target->image, name));
        return false;
    }
    if (target->problem[0]) {
        *out = target->stopped ? outcome_drop("unchanged", "%s", target->problem)
                               : outcome_fail("left alone: %s", target->problem);
        return false;
    }
    if (!target->enabled) {
        *out = outcome_drop("cancelled", "it is not opted in any more");
        return false;
    }
    struct policy_verdict verdict =
        policy_decide(&target->settings.policy, target->image.tag, update->image.tag);
    if (!verdict.wanted) {
        *out = outcome_drop("unchanged", "%s", verdict.reason);
    }
    return verdict.wanted;
}

bool stage_target(struct pipeline *pipeline, struct store_update *update,
                  struct platform_target *target, struct outcome *out) {
    const struct platform *platform = platform_of(update->target);
    if (!platform || !platform->configured(pipeline->session.config)) {
        *out = outcome_drop("cancelled", "its platform is not configured any more");
        return false;
    }
    struct err err = ERR_INIT;
    if (!platform->find(&pipeline->session, update->target, target, &err)) {
        if (err.kind == ERR_GONE) {
            *out = outcome_drop("cancelled", "it does not exist any more");
        } else if (err.kind == ERR_TRANSIENT) {
            *out = decide_retry(update, &err, DECIDE_AWAY_MS);
        } else {
            *out = outcome_fail("%s", err.message);
        }
        return false;
    }
    if (!target_wanted(update, target, out)) {
        return false;
    }
    memcpy(update->from, target->running, sizeof update->from);
    memcpy(update->instance, target->instance, sizeof update->instance);
    return true;
}

struct outcome stage_policy(struct pipeline *pipeline, struct store_update *update) {
    struct platform_target target = {0};
    struct outcome unwanted = {0};
    if (!stage_target(pipeline, update, &target, &unwanted)) {
        return unwanted;
    }
    gate_note(update, &target.settings); /* others may be at the gate before it */
    return outcome_next("policy %s", policy_name(&target.settings.policy));
}

/* ---- resolve ---- */

static bool resolve_ask(struct pipeline *pipeline, const struct store_update *update,
                        const struct ref *ref, char out[DIGEST_TEXT_SIZE], struct err *err) {
    struct resolver_question question = {
        .client = &pipeline->registry,
        .config = pipeline->session.config,
        .ref = ref,
        .since_ms = update->received_ms,
        .age_ms = update->attempts ? DECIDE_SHARED_AGAIN_MS : DECIDE_SHARED_MS,
    };
    return resolver_resolve(pipeline->resolver, &question, out, err);
}

static struct outcome resolve_lag(struct store_update *update, const char *what) {
    if (decide_too_late(update, DECIDE_LAG_MS)) {
        return outcome_fail("%s, 15 minutes after the push: push it again, or `landwaiter retry` "
                            "this update when it is there",
                            what);
    }
    struct err lag = ERR_INIT;
    (void)err_set(&lag, ERR_TRANSIENT, "%s: waiting for the registry to catch up", what);
    return outcome_again(update, &decide_lag, &lag);
}

/* When the registry was asked: what waits for long asks again before its turn (stage_gate.c). */
static void resolve_note(struct store_update *update) {
    (void)json_object_set_new(update->journal, "resolved", json_integer(clock_now_ms()));
}

static struct outcome resolve_decided(struct pipeline *pipeline, struct store_update *update) {
    if (strcmp(update->to, update->from) == 0) {
        return outcome_drop("unchanged", "it already runs that digest");
    }
    int64_t before = 0;
    if (store_rejected(pipeline->store, update->target, update->to, &before)) {
        char id[ID_TEXT_SIZE];
        (void)id_text("upd", before, id);
        return outcome_drop("denied",
                            "this digest was rolled back here before (%s): push a fixed image, or "
                            "`landwaiter retry %s` to try it again",
                            id, id);
    }
    return outcome_next("%s is %s", update->image.tag, update->to);
}

/* The tag is something else than what was pushed: does the registry lag behind, or has the tag
 * moved on? */
static struct outcome resolve_other(struct pipeline *pipeline, struct store_update *update,
                                    const char *now) {
    struct ref pushed = update->image;
    memcpy(pushed.digest, update->pushed_digest, sizeof pushed.digest);
    char digest[DIGEST_TEXT_SIZE] = "";
    struct err err = ERR_INIT;
    if (store_was_pushed(pipeline->store, update, now)) {
        /* Notices came out of order, or this one late: what the tag is now was announced too, and
         * that update may have given way to this one. */
        memcpy(update->to, now, DIGEST_TEXT_SIZE);
        resolve_note(update);
        return strcmp(now, update->from) == 0
                   ? outcome_drop("superseded", "the tag has moved on to %s", now)
                   : resolve_decided(pipeline, update);
    }
    bool served = resolve_ask(pipeline, update, &pushed, digest, &err);
    if (!served && err.kind == ERR_TRANSIENT) {
        return decide_retry(update, &err, DECIDE_AWAY_MS);
    }
    if (!served && err.kind != ERR_GONE) {
        return outcome_fail("%s", err.message);
    }
    if (!served) {
        return resolve_lag(update, "the registry does not serve the pushed digest yet");
    }
    /* It has the image; a tag that is still what runs here was not moved yet. */
    if (strcmp(now, update->from) == 0 && !decide_too_late(update, DECIDE_LAG_MS)) {
        return resolve_lag(update, "the registry's tag does not name the pushed digest yet");
    }
    return outcome_drop("superseded", "the tag has moved on to %s", now);
}

struct outcome stage_resolve(struct pipeline *pipeline, struct store_update *update) {
    char now[DIGEST_TEXT_SIZE] = "";
    struct err err = ERR_INIT;
    if (!resolve_ask(pipeline, update, &update->image, now, &err)) {
        switch (err.kind) {
        case ERR_TRANSIENT:
            return decide_retry(update, &err, DECIDE_AWAY_MS);
        case ERR_GONE:
            return resolve_lag(update, err.message);
        default:
            return outcome_fail("%s", err.message);
        }
    }
    if (update->pushed_digest[0] && strcmp(now, update->pushed_digest) != 0) {
        return resolve_other(pipeline, update, now);
    }
    memcpy(update->to, now, sizeof update->to);
    resolve_note(update);
    return resolve_decided(pipeline, update);
}

/* ---- verify: nothing is verified yet; signatures come here ---- */

struct outcome stage_verify(struct pipeline *pipeline, struct store_update *update) {
    (void)pipeline;
    (void)update;
    return outcome_next("nothing to verify");
}

/* ---- fetch ---- */

/* Where nothing is fetched here. */
bool stage_fetch_quick(const struct store_update *update) {
    const struct platform *platform = platform_of(update->target);
    return platform && !platform->fetch;
}

struct outcome stage_fetch(struct pipeline *pipeline, struct store_update *update) {
    const struct platform *platform = platform_of(update->target);
    struct platform_target target = {0};
    struct outcome unwanted = {0};
    /* It may have been re-created while the registry was waited for. */
    if (!stage_target(pipeline, update, &target, &unwanted)) {
        return unwanted;
    }
    struct platform_task task;
    pipeline_task(pipeline, update, &task);
    struct err err = ERR_INIT;
    enum platform_fetched fetched = PLATFORM_FETCHED;
    if (platform->check(&task, &err) &&
        (!platform->fetch || platform->fetch(&task, &fetched, &err))) {
        return fetched == PLATFORM_SAME ? outcome_drop("unchanged", "it already runs that content")
                                        : outcome_next("fetched");
    }
    if (err.kind == ERR_TRANSIENT) {
        return decide_retry(update, &err, DECIDE_FETCH_AWAY_MS);
    }
    return outcome_fail("nothing was touched: %.280s", err.message);
}

/* ---- notify: the log is told by the engine; people and metrics come here ---- */

struct outcome stage_notify(struct pipeline *pipeline, struct store_update *update) {
    (void)update;
    store_wake_gate(pipeline->store, STORE_WAKE_WAITING_FOR_OTHERS);
    if (pipeline->changed) {
        pipeline->changed(pipeline->context);
    }
    return outcome_next("told");
}
