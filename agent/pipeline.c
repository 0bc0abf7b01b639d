/* The table of stages and the one function that takes an update through them. Owns no state: all of
 * it is in the store. */
#include "agent/pipeline.h"

#include <pthread.h>
#include <stdarg.h>

#include "agent/crashpoint.h"
#include "agent/id.h"
#include "agent/metrics.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"

static bool pipeline_quick(const struct store_update *update) {
    (void)update;
    return true;
}

/* name, question, run, exclusive, at_most, quick */
const struct stage pipeline_stages[] = {
    {"policy", "may this target want that tag?", stage_policy, false, 0, NULL},
    {"resolve", "what does the registry say the tag is, right now?", stage_resolve, false, 2, NULL},
    {"verify", "did the right key or identity sign that digest?", stage_verify, false, 0, NULL},
    {"fetch", "are the bytes here?", stage_fetch, false, 2, stage_fetch_quick},
    {"gate", "may it happen now?", stage_gate, true, 0, pipeline_quick},
    {"apply", "swap it, journalled step by step", stage_apply, false, 0, NULL},
    {"observe", "does it come up and stay up?", stage_observe, false, 0, NULL},
    {"settle", "commit, or put back what was there", stage_settle, false, 0, NULL},
    {"notify", "tell people, CI and metrics", stage_notify, false, 0, NULL},
    {NULL, NULL, NULL, false, 0, NULL},
};

const struct stage *pipeline_stage(const char *name) {
    for (const struct stage *stage = pipeline_stages; stage->name; stage++) {
        if (strcmp(stage->name, name) == 0) {
            return stage;
        }
    }
    return NULL;
}

/* ---- outcomes ---- */

#define OUTCOME_REASON(outcome, format)                                                            \
    do {                                                                                           \
        va_list arguments_;                                                                        \
        va_start(arguments_, format);                                                              \
        (void)vsnprintf((outcome).reason, sizeof(outcome).reason, format, arguments_);             \
        va_end(arguments_);                                                                        \
    } while (0)

struct outcome outcome_next(const char *format, ...) {
    struct outcome outcome = {.verdict = VERDICT_NEXT};
    OUTCOME_REASON(outcome, format);
    return outcome;
}

struct outcome outcome_wait(int64_t wait_ms, const char *format, ...) {
    struct outcome outcome = {.verdict = VERDICT_WAIT, .wait_ms = wait_ms};
    OUTCOME_REASON(outcome, format);
    return outcome;
}

struct outcome outcome_drop(const char *result, const char *format, ...) {
    struct outcome outcome = {.verdict = VERDICT_DROP, .result = result};
    OUTCOME_REASON(outcome, format);
    return outcome;
}

struct outcome outcome_fail(const char *format, ...) {
    struct outcome outcome = {.verdict = VERDICT_FAIL, .result = "failed"};
    OUTCOME_REASON(outcome, format);
    return outcome;
}

struct outcome outcome_undo(const char *format, ...) {
    struct outcome outcome = {.verdict = VERDICT_UNDO};
    OUTCOME_REASON(outcome, format);
    return outcome;
}

struct outcome outcome_again(struct store_update *update, const struct outcome_backoff *backoff,
                             const struct err *err) {
    int64_t shift = update->attempts < 20 ? update->attempts : 20;
    int64_t delay = backoff->first_ms << shift;
    delay = delay > backoff->most_ms ? backoff->most_ms : delay;
    delay = err->retry_after_ms > delay ? err->retry_after_ms : delay;
    update->attempts++;
    return outcome_wait(delay, "%.*s", (int)sizeof(((struct outcome *)0)->reason) - 1,
                        err->message);
}

/* ---- the driver's view ---- */

void pipeline_task(const struct pipeline *pipeline, struct store_update *update,
                   struct platform_task *out) {
    json_t *notes = json_object_get(update->journal, "driver");
    if (!notes) {
        notes = json_object();
        (void)json_object_set_new(update->journal, "driver", notes);
    }
    *out = (struct platform_task){.session = &pipeline->session,
                                  .update = "",
                                  .by = "",
                                  .why = update->back ? json_text(update->journal, "why") : NULL,
                                  .image = update->image,
                                  .journal = notes};
    memcpy(out->target, update->target, sizeof out->target);
    memcpy(out->instance, update->instance, sizeof out->instance);
    memcpy(out->digest, update->to, sizeof out->digest);
    out->settings = pipeline->session.config->defaults;
}

/* ---- storing what a stage decided ---- */

/* It goes on waiting for the same: woken to look again, it is told of once. */
static bool pipeline_same(const struct store_update *update, const struct outcome *outcome) {
    return strcmp(update->reason, outcome->reason) == 0;
}

static void pipeline_enter(struct store_update *update, const char *stage, int64_t now) {
    (void)snprintf(update->stage, sizeof update->stage, "%s", stage);
    update->stage_since_ms = now;
    update->attempts = 0;
    update->not_before_ms = 0;
}

static const char *pipeline_next(const char *name) {
    const struct stage *stage = pipeline_stage(name);
    return stage && stage[1].name ? stage[1].name : name;
}

static void pipeline_finish(struct store_update *update, const char *result, int64_t now) {
    (void)snprintf(update->result, sizeof update->result, "%s", result);
    update->finished_ms = now;
    update->not_before_ms = 0;
}

static int64_t pipeline_until(const struct outcome *outcome, int64_t now) {
    if (outcome->until_ms) {
        return outcome->until_ms;
    }
    return outcome->wait_ms == OUTCOME_UNTIL_WOKEN ? STORE_UNTIL_WOKEN : now + outcome->wait_ms;
}

/* Writes the outcome into the update and returns the event of its history line, NULL for none. */
static const char *pipeline_decide(struct store_update *update, const struct outcome *outcome,
                                   int64_t now) {
    const char *event = NULL;
    bool same = pipeline_same(update, outcome);
    switch (outcome->verdict) {
    case VERDICT_NEXT:
        if (outcome->result) {
            pipeline_finish(update, outcome->result, now);
        } else {
            pipeline_enter(update, pipeline_next(update->stage), now);
        }
        event = outcome->result ? outcome->result : "next";
        break;
    case VERDICT_WAIT:
        update->not_before_ms = pipeline_until(outcome, now);
        event = same ? NULL : "wait";
        break;
    case VERDICT_UNDO:
        pipeline_enter(update, "settle", now);
        update->back = true;
        (void)json_object_set_new(update->journal, "why", json_text_or_null(outcome->reason));
        event = "undo";
        break;
    case VERDICT_DROP:
    case VERDICT_FAIL:
        pipeline_finish(update, outcome->result, now);
        event = outcome->result;
        break;
    }
    (void)snprintf(update->reason, sizeof update->reason, "%s", outcome->reason);
    return event;
}

static void pipeline_log(const struct store_update *update, const struct store_event *event,
                         enum verdict verdict) {
    char id[ID_TEXT_SIZE];
    char name[48];
    (void)snprintf(name, sizeof name, "update.%s", event->event);
    bool bad = verdict == VERDICT_FAIL || verdict == VERDICT_UNDO;
    enum log_level level = bad ? LOG_WARNING : LOG_INFO;
    if (strcmp(event->event, "next") == 0) {
        level = LOG_DEBUG;
    }
    log_event(level, name, "update", id_text("upd", update->id, id), "target", update->target,
              "stage", event->stage, "to", update->to, "reason", event->detail, NULL);
}

/* From apply or later to before it. */
static bool pipeline_turned_back(const char *from, const char *to) {
    const struct stage *apply = pipeline_stage("apply");
    const struct stage *before = pipeline_stage(from);
    const struct stage *after = pipeline_stage(to);
    return before && after && before >= apply && after < apply;
}

/* What is lost with the machine's power is decided again: a wait, and what was decided before the
 * first step, where nothing is touched yet. A step is on the disk before it begins, with all that
 * led to it; that it has run is found out by looking, until the commit, which removes what there
 * is to see. */
static bool pipeline_fast(const char *stage, enum verdict verdict) {
    static const char *const again[] = {"policy", "resolve", "verify", "fetch", "gate", "apply"};
    bool found = verdict == VERDICT_WAIT;
    for (size_t i = 0; verdict == VERDICT_NEXT && !found && i < ARRAY_LENGTH(again); i++) {
        found = strcmp(again[i], stage) == 0;
    }
    return found;
}

/* An update on its way through the stages. Those passed since it was stored are stored together
 * with what they lead to, as long as that waits for nobody: each is a transaction less. */
#define PIPELINE_PASSED_MAX 2 /* verify and fetch */
struct pipeline_way {
    struct store_passed passed[PIPELINE_PASSED_MAX];
    size_t passed_count;
    int64_t since_ms;       /* when the first of them began */
    bool counts;            /* it was claimed for a stage with a limit */
    struct outcome outcome; /* of the stage it is in */
};

static void pipeline_pass(struct pipeline_way *way, struct store_update *update) {
    struct store_passed *passed = &way->passed[way->passed_count];
    if (way->passed_count++ == 0) {
        way->since_ms = update->stage_since_ms;
    }
    memcpy(passed->stage, update->stage, sizeof passed->stage);
    memcpy(passed->detail, way->outcome.reason, sizeof passed->detail);
    passed->at_ms = clock_now_ms();
    (void)pipeline_decide(update, &way->outcome, passed->at_ms);
    const struct store_event event = {
        .stage = passed->stage, .event = "next", .detail = passed->detail};
    pipeline_log(update, &event, VERDICT_NEXT);
}

static void pipeline_measure(const struct store_update *update, const char *stage, int64_t since_ms,
                             const struct pipeline_way *way) {
    int64_t began_ms = way->since_ms;
    for (size_t i = 0; i < way->passed_count; i++) {
        metrics_measure(METRIC_STAGE, way->passed[i].stage, way->passed[i].at_ms - began_ms);
        began_ms = way->passed[i].at_ms;
    }
    if (update->result[0] || strcmp(update->stage, stage) != 0) {
        metrics_measure(METRIC_STAGE, stage, clock_now_ms() - since_ms);
    }
    if (update->result[0]) {
        metrics_count_update(update->target, update->result);
    }
}

static enum store_change pipeline_store(struct pipeline *pipeline, struct store_update *update,
                                        const struct pipeline_way *way) {
    const struct outcome *outcome = &way->outcome;
    struct err err = ERR_INIT;
    char stage[STORE_STAGE_SIZE];
    if (pipeline->may_act && !pipeline->may_act(pipeline->context)) {
        return STORE_LOST;
    }
    memcpy(stage, update->stage, sizeof stage);
    int64_t since_ms = update->stage_since_ms;
    const char *name = pipeline_decide(update, outcome, clock_now_ms());
    struct store_event event = {.passed = way->passed,
                                .passed_count = way->passed_count,
                                .stage = stage,
                                .event = name,
                                .detail = outcome->reason,
                                .fast = pipeline_fast(stage, outcome->verdict)};
    crashpoint("before a transition");
    enum store_change change = store_update_save(pipeline->store, update, &event, &err);
    crashpoint("after a transition");
    if (change == STORE_CHANGED && pipeline_turned_back(stage, update->stage)) {
        /* It is not being applied after all: others may be waiting for it. */
        store_wake_gate(pipeline->store, STORE_WAKE_WAITING_FOR_OTHERS);
    }
    if (change == STORE_CHANGED) {
        pipeline_measure(update, stage, since_ms, way);
    }
    if (change == STORE_FAILED) {
        log_event(LOG_ERROR, "store.failed", "reason", err.message, NULL);
    } else if (change == STORE_CHANGED && name) {
        pipeline_log(update, &event, outcome->verdict);
    }
    return change;
}

/* ---- the way ---- */

static pthread_mutex_t pipeline_gate = PTHREAD_MUTEX_INITIALIZER;

/* A row of another version's: it ends here rather than hold up the others. */
static struct outcome pipeline_run_unknown(struct pipeline *pipeline, struct store_update *update) {
    (void)pipeline;
    return outcome_fail("this version knows no stage %s: look at the target, then `landwaiter "
                        "retry` it",
                        update->stage);
}

static const struct stage pipeline_unknown = {.name = "unknown", .run = pipeline_run_unknown};

static const struct stage *pipeline_stage_of(const struct store_update *update) {
    const struct stage *stage = pipeline_stage(update->stage);
    return stage ? stage : &pipeline_unknown;
}

/* Is what was decided stored with what it leads to? */
static bool pipeline_passes(const struct stage *stage, const struct store_update *update,
                            const struct pipeline_way *way) {
    if (way->outcome.verdict != VERDICT_NEXT || way->outcome.result || way->counts ||
        way->passed_count == PIPELINE_PASSED_MAX || stage == &pipeline_unknown) {
        return false;
    }
    return stage[1].quick && stage[1].quick(update);
}

/* At the gate, and not yet for those who wake what is there: what it was to wait for may have come
 * since it looked, so it looks again once it is seen. */
static void pipeline_arrives(struct outcome *outcome) {
    if (outcome->verdict == VERDICT_WAIT) {
        outcome->wait_ms = 0;
        outcome->until_ms = 0;
    }
}

static enum store_change pipeline_stage_run(struct pipeline *pipeline, const struct stage *stage,
                                            struct store_update *update, struct pipeline_way *way) {
    enum store_change change = STORE_CHANGED;
    if (stage->exclusive) {
        (void)pthread_mutex_lock(&pipeline_gate);
    }
    way->outcome = stage->run(pipeline, update);
    if (stage->exclusive && way->passed_count > 0) {
        pipeline_arrives(&way->outcome);
    }
    if (pipeline_passes(stage, update, way)) {
        pipeline_pass(way, update);
    } else {
        change = pipeline_store(pipeline, update, way);
        way->passed_count = 0;
    }
    if (change == STORE_CHANGED && way->outcome.passes) {
        store_wake_gate(pipeline->store, STORE_WAKE_WAITING_FOR_OTHERS);
    }
    if (stage->exclusive) {
        (void)pthread_mutex_unlock(&pipeline_gate);
    }
    return change;
}

/* It is left to whoever claims it next. A stage with a limit of its own is entered and left through
 * the workers' claims, which count; and where many targets change at once, all are changed before
 * the first of them is watched. */
static bool pipeline_leaves(const struct store_update *update, const struct pipeline_way *way) {
    return way->outcome.verdict == VERDICT_WAIT || way->counts ||
           (pipeline_stage_of(update)->at_most && way->passed_count == 0) ||
           strcmp(update->stage, "observe") == 0;
}

bool pipeline_advance(struct pipeline *pipeline, struct store_update *update) {
    struct pipeline_way way = {.counts = pipeline_stage_of(update)->at_most != 0};
    do {
        const struct stage *stage = pipeline_stage_of(update);
        enum store_change change = pipeline_stage_run(pipeline, stage, update, &way);
        if (change == STORE_FAILED) {
            /* It may be over for all who read it: what waits for it looks again. */
            (void)stage_notify(pipeline, update);
            return false;
        }
        if (change == STORE_LOST) {
            return true;
        }
        if (update->result[0]) {
            (void)stage_notify(pipeline, update);
            return true;
        }
    } while (!pipeline_leaves(update, &way));
    return true;
}
