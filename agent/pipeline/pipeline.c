/* The engine: takes an update through the table of stages, and is the only one that writes its
 * stage, result, step and times. Owns no state: all of it is in the store. */
#include "agent/pipeline/pipeline.h"

#include "agent/model/counters.h"
#include "agent/model/id.h"
#include "agent/pipeline/stages.h"
#include "base/clock.h"
#include "base/crashpoint.h"
#include "base/log.h"
#include "base/thread.h"

/* An update on its way. Stages passed since it was stored are stored together with their end, as
 * long as none of them waits: each is a transaction less. */
#define PASSED_MAX 2 /* verify and fetch */
struct way {
    struct update *update;
    struct notes notes;
    struct store_passed passed[PASSED_MAX];
    size_t passed_count;
    int64_t since_ms;       /* when the first of them began */
    bool counts;            /* it was claimed for a stage with a limit */
    struct outcome outcome; /* of the stage it is in */
};

/* ---- what an outcome makes of an update ---- */

static void enter(struct update *update, enum stage stage, int64_t now) {
    update->stage = stage;
    update->stage_since_ms = now;
    update->attempts = 0;
    update->not_before_ms = 0;
}

static void finish(struct update *update, enum result result, int64_t now) {
    update->result = result;
    update->finished_ms = now;
    update->not_before_ms = 0;
}

static int64_t until(const struct outcome *outcome, int64_t now) {
    if (outcome->until_ms) {
        return outcome->until_ms;
    }
    return outcome->wait_ms == OUTCOME_UNTIL_WOKEN ? UPDATE_UNTIL_WOKEN : now + outcome->wait_ms;
}

static enum stage next_of(enum stage stage) {
    return stage < STAGE_NOTIFY ? stage + 1 : stage;
}

/* Writes the outcome into the update and returns the event of its history line. NULL: it goes on
 * waiting for the same, which is told once. */
static const char *decide(struct way *way, int64_t now) {
    struct update *update = way->update;
    const struct outcome *outcome = &way->outcome;
    const char *event = strcmp(update->reason, outcome->reason) == 0 ? NULL : "wait";
    switch (outcome->verdict) {
    case VERDICT_NEXT:
        if (outcome->result == RESULT_NONE) {
            enter(update, next_of(update->stage), now);
            event = "next";
            break;
        }
        finish(update, outcome->result, now);
        event = result_text(outcome->result);
        break;
    case VERDICT_WAIT:
        update->not_before_ms = until(outcome, now);
        update->attempts = outcome->attempt ? update->attempts + 1 : 0;
        break;
    case VERDICT_BACK:
        enter(update, outcome->back_to, now);
        update->step[0] = '\0';
        update->back = false;
        break;
    case VERDICT_UNDO:
        enter(update, STAGE_SETTLE, now);
        update->back = true;
        memcpy(way->notes.why, outcome->reason, sizeof way->notes.why);
        event = "undo";
        break;
    case VERDICT_DROP:
    case VERDICT_FAIL:
        finish(update, outcome->result, now);
        event = result_text(outcome->result);
        break;
    }
    memcpy(update->reason, outcome->reason, sizeof update->reason);
    return event;
}

/* ---- storing it ---- */

static void tell(const struct update *update, const struct store_event *event,
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
              "stage", stage_text(event->stage), "to", update->to, "reason", event->detail, NULL);
}

/* May this write skip fsync? Yes if redoing it is harmless: a wait, and a decision before the first
 * step, where nothing is touched yet. A step is on the disk before it begins, with all that led to
 * it; whether it ran is found out by looking, until the commit, which removes the traces. */
static bool may_be_lost(enum stage stage, enum verdict verdict) {
    return verdict == VERDICT_WAIT || verdict == VERDICT_BACK ||
           (verdict == VERDICT_NEXT && stage <= STAGE_APPLY);
}

static void measure(const struct way *way, enum stage stage, int64_t since_ms) {
    const struct update *update = way->update;
    int64_t began_ms = way->since_ms;
    for (size_t i = 0; i < way->passed_count; i++) {
        counters_measure(METRIC_STAGE, stage_text(way->passed[i].stage),
                         way->passed[i].at_ms - began_ms);
        began_ms = way->passed[i].at_ms;
    }
    if (update->result != RESULT_NONE || update->stage != stage) {
        counters_measure(METRIC_STAGE, stage_text(stage), clock_now_ms() - since_ms);
    }
    if (update->result != RESULT_NONE) {
        counters_update(update->target, update->result);
    }
}

/* An update that is not being applied any more, though it has not ended: others may wait for its
 * place. */
static bool turned_back(enum stage from, const struct update *update) {
    return update->result == RESULT_NONE && from >= STAGE_APPLY && update->stage < STAGE_APPLY;
}

static enum store_change store_outcome(struct pipeline *pipeline, struct way *way) {
    struct update *update = way->update;
    struct err err = ERR_INIT;
    if (pipeline->may_act && !pipeline->may_act(pipeline->context)) {
        return STORE_LOST;
    }
    const enum stage stage = update->stage;
    const int64_t since_ms = update->stage_since_ms;
    const enum verdict verdict = way->outcome.verdict;
    const char *name = decide(way, clock_now_ms());
    struct store_event event = {.passed = way->passed,
                                .passed_count = way->passed_count,
                                .stage = stage,
                                .event = name,
                                .detail = way->outcome.reason,
                                .fast = may_be_lost(stage, verdict)};
    crashpoint("before a transition");
    enum store_change change = STORE_FAILED;
    if (notes_save(&way->notes, update, &err)) {
        change = store_update_save(pipeline->store, update, &event, &err);
    }
    crashpoint("after a transition");
    if (change == STORE_FAILED) {
        log_event(LOG_ERROR, "store.failed", "reason", err.message, NULL);
    }
    if (change != STORE_CHANGED) {
        return change;
    }
    if (turned_back(stage, update)) {
        store_wake_gate(pipeline->store, STORE_WAKE_WAITING_FOR_OTHERS);
    }
    measure(way, stage, since_ms);
    if (name) {
        tell(update, &event, verdict);
    }
    return change;
}

/* ---- stages that are stored with the next ---- */

static bool passes(const struct stage_row *row, const struct way *way) {
    if (way->outcome.verdict != VERDICT_NEXT || way->outcome.result != RESULT_NONE || way->counts ||
        way->passed_count == PASSED_MAX || row->stage == STAGE_UNKNOWN) {
        return false;
    }
    const struct stage_row *next = stages_row(next_of(row->stage));
    return next->quick && next->quick(way->update);
}

static void pass(struct way *way) {
    struct update *update = way->update;
    struct store_passed *passed = &way->passed[way->passed_count];
    if (way->passed_count++ == 0) {
        way->since_ms = update->stage_since_ms;
    }
    passed->stage = update->stage;
    memcpy(passed->detail, way->outcome.reason, sizeof passed->detail);
    passed->at_ms = clock_now_ms();
    (void)decide(way, passed->at_ms);
    const struct store_event event = {
        .stage = passed->stage, .event = "next", .detail = passed->detail};
    tell(update, &event, VERDICT_NEXT);
}

/* At the gate, and not yet for those who wake what is there: what it was to wait for may have come
 * since it looked, so it looks again once it is seen. */
static void arrive(struct outcome *outcome) {
    if (outcome->verdict == VERDICT_WAIT) {
        outcome->wait_ms = 0;
        outcome->until_ms = 0;
    }
}

/* ---- the way ---- */

static enum store_change run_stage(struct pipeline *pipeline, const struct stage_row *row,
                                   struct way *way) {
    enum store_change change = STORE_CHANGED;
    pthread_mutex_t *lock = row->exclusive ? pipeline->exclusive : NULL;
    if (lock) {
        thread_lock(lock);
    }
    way->outcome = row->run(pipeline, way->update, &way->notes);
    if (row->exclusive && way->passed_count > 0) {
        arrive(&way->outcome);
    }
    if (passes(row, way)) {
        pass(way);
    } else {
        change = store_outcome(pipeline, way);
        way->passed_count = 0;
    }
    if (change == STORE_CHANGED && way->outcome.gives_way) {
        store_wake_gate(pipeline->store, STORE_WAKE_WAITING_FOR_OTHERS);
    }
    if (lock) {
        thread_unlock(lock);
    }
    return change;
}

/* Left to the worker that claims it next? A stage with a limit of its own is entered and left
 * through the workers' claims, which count; and where many targets change at once, all are changed
 * before the first of them is watched. */
static bool leaves(const struct way *way) {
    const enum verdict verdict = way->outcome.verdict;
    return verdict == VERDICT_WAIT || verdict == VERDICT_BACK || way->counts ||
           (stages_row(way->update->stage)->at_most && way->passed_count == 0) ||
           way->update->stage == STAGE_OBSERVE;
}

static bool advance(struct pipeline *pipeline, struct way *way) {
    way->counts = stages_row(way->update->stage)->at_most != 0;
    do {
        enum store_change change = run_stage(pipeline, stages_row(way->update->stage), way);
        if (change == STORE_LOST) {
            return true;
        }
        /* One that could not be stored may be over for all who read it: what waits for it looks
         * again. */
        if (change == STORE_FAILED || way->update->result != RESULT_NONE) {
            (void)stages_row(STAGE_NOTIFY)->run(pipeline, way->update, &way->notes);
            return change != STORE_FAILED;
        }
    } while (!leaves(way));
    return true;
}

/* A row that cannot be read ends rather than hold up the others. */
static bool give_up(struct pipeline *pipeline, struct way *way, const struct err *err) {
    way->outcome = outcome_fail("%.300s", err->message);
    bool stored = store_outcome(pipeline, way) != STORE_FAILED;
    (void)stages_row(STAGE_NOTIFY)->run(pipeline, way->update, &way->notes);
    return stored;
}

bool pipeline_advance(struct pipeline *pipeline, struct update *update) {
    struct way way = {.update = update};
    struct err err = ERR_INIT;
    notes_init(&way.notes);
    pipeline->moving = update;
    pipeline->passed_boot_ms = 0;
    bool stored = notes_load(update, &way.notes, &err) ? advance(pipeline, &way)
                                                       : give_up(pipeline, &way, &err);
    pipeline->moving = NULL;
    notes_release(&way.notes);
    return stored;
}
