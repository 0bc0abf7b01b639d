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

/* An update between two stores. Stages that cannot wait are stored together with the next, which
 * saves a transaction each. */
#define PASSED_MAX 2 /* verify and fetch */
struct progress {
    struct update *update;
    struct notes notes;
    struct store_passed passed[PASSED_MAX];
    size_t passed_count;
    int64_t since_ms;       /* start of the first of them */
    int64_t asked_ms;       /* the clock when the stage began to decide */
    bool limited;           /* claimed for a stage with a limit */
    struct outcome outcome; /* of the stage it is in */
};

/* ---- applying an outcome to the update ---- */

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

/* Writes the outcome into the update and returns the event of its history line. NULL: it waits for
 * the same reason as before. */
static const char *decide(struct progress *progress, int64_t now) {
    struct update *update = progress->update;
    const struct outcome *outcome = &progress->outcome;
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
        memcpy(progress->notes.why, outcome->reason, sizeof progress->notes.why);
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

/* ---- storing ---- */

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

/* May this write skip fsync? Yes if redoing it is harmless: a wait, or a decision before the first
 * step, which touches nothing. Each step is on the disk before it runs; after a crash the driver
 * looks whether it ran. Only the commit removes the evidence. */
static bool may_skip_fsync(enum stage stage, enum verdict verdict) {
    return verdict == VERDICT_WAIT || verdict == VERDICT_BACK ||
           (verdict == VERDICT_NEXT && stage <= STAGE_APPLY);
}

static void measure(const struct progress *progress, enum stage stage, int64_t since_ms) {
    const struct update *update = progress->update;
    int64_t began_ms = progress->since_ms;
    for (size_t i = 0; i < progress->passed_count; i++) {
        counters_measure(METRIC_STAGE, stage_text(progress->passed[i].stage),
                         progress->passed[i].at_ms - began_ms);
        began_ms = progress->passed[i].at_ms;
    }
    if (update->result != RESULT_NONE || update->stage != stage) {
        counters_measure(METRIC_STAGE, stage_text(stage), clock_now_ms() - since_ms);
    }
    if (update->result != RESULT_NONE) {
        counters_update(update->target, update->result);
    }
}

/* Did the update leave the stages that apply, without ending? Others may wait for its place. */
static bool turned_back(enum stage from, const struct update *update) {
    return update->result == RESULT_NONE && from >= STAGE_APPLY && update->stage < STAGE_APPLY;
}

static enum store_change store_outcome(struct pipeline *pipeline, struct progress *progress) {
    struct update *update = progress->update;
    struct err err = ERR_INIT;
    if (pipeline->may_act && !pipeline->may_act(pipeline->context)) {
        return STORE_LOST;
    }
    const enum stage stage = update->stage;
    const int64_t since_ms = update->stage_since_ms;
    const enum verdict verdict = progress->outcome.verdict;
    const int64_t now = clock_now_ms();
    const char *name = decide(progress, now);
    struct store_event event = {.passed = progress->passed,
                                .passed_count = progress->passed_count,
                                .stage = stage,
                                .event = name,
                                .detail = progress->outcome.reason,
                                /* Someone may set the clock back while the stage decides, and the
                                 * wake-up that follows comes before the row does. */
                                .decided_ms = progress->asked_ms > now ? progress->asked_ms : now,
                                .fast = may_skip_fsync(stage, verdict)};
    crashpoint("before a transition");
    enum store_change change = STORE_FAILED;
    if (notes_save(&progress->notes, update, &err)) {
        change = store_update_save(pipeline->store, update, &event, &err);
    }
    crashpoint("after a transition");
    if (change == STORE_FAILED) {
        log_event(LOG_ERROR, "store.failed", "reason", err.message, NULL);
    }
    if (change != STORE_CHANGED) {
        return change;
    }
    if (progress->notes.reordered || turned_back(stage, update)) {
        progress->notes.reordered = false;
        store_wake_gate(pipeline->store, STORE_WAKE_WAITING_FOR_OTHERS);
    }
    measure(progress, stage, since_ms);
    if (name) {
        tell(update, &event, verdict);
    }
    return change;
}

/* ---- storing a stage with the next ---- */

static bool joins_next(const struct stage_row *row, const struct progress *progress) {
    if (progress->outcome.verdict != VERDICT_NEXT || progress->outcome.result != RESULT_NONE ||
        progress->limited || progress->passed_count == PASSED_MAX || row->stage == STAGE_UNKNOWN) {
        return false;
    }
    const struct stage_row *next = stages_row(next_of(row->stage));
    return next->quick && next->quick(progress->update);
}

static void join_next(struct progress *progress) {
    struct update *update = progress->update;
    struct store_passed *passed = &progress->passed[progress->passed_count];
    if (progress->passed_count++ == 0) {
        progress->since_ms = update->stage_since_ms;
    }
    passed->stage = update->stage;
    memcpy(passed->detail, progress->outcome.reason, sizeof passed->detail);
    passed->at_ms = clock_now_ms();
    (void)decide(progress, passed->at_ms);
    const struct store_event event = {
        .stage = passed->stage, .event = "next", .detail = passed->detail};
    tell(update, &event, VERDICT_NEXT);
}

/* The stored row does not show this update at the gate yet, so that a wake-up during the look
 * missed it: look again once it is stored. */
static void arrive(struct outcome *outcome) {
    if (outcome->verdict == VERDICT_WAIT) {
        outcome->wait_ms = 0;
        outcome->until_ms = 0;
    }
}

/* ---- running the stages ---- */

static enum store_change run_stage(struct pipeline *pipeline, const struct stage_row *row,
                                   struct progress *progress) {
    enum store_change change = STORE_CHANGED;
    pipeline->alone = false;
    progress->asked_ms = clock_now_ms();
    progress->outcome = row->run(pipeline, progress->update, &progress->notes);
    if (row->exclusive && progress->passed_count > 0) {
        arrive(&progress->outcome);
    }
    if (joins_next(row, progress)) {
        join_next(progress);
    } else {
        change = store_outcome(pipeline, progress);
        progress->passed_count = 0;
    }
    if (change == STORE_CHANGED && progress->outcome.yields) {
        store_wake_gate(pipeline->store, STORE_WAKE_WAITING_FOR_OTHERS);
    }
    if (pipeline->alone) {
        thread_unlock(pipeline->exclusive);
        pipeline->alone = false;
    }
    return change;
}

/* Leave the update to the next worker that claims it? Yes at a stage with a limit, because claims
 * count its places; and at observe, so that all targets of a push are changed before the first is
 * watched. */
static bool hands_over(const struct progress *progress) {
    const enum verdict verdict = progress->outcome.verdict;
    return verdict == VERDICT_WAIT || verdict == VERDICT_BACK || progress->limited ||
           (stages_row(progress->update->stage)->at_most && progress->passed_count == 0) ||
           progress->update->stage == STAGE_OBSERVE;
}

static bool advance(struct pipeline *pipeline, struct progress *progress) {
    progress->limited = stages_row(progress->update->stage)->at_most != 0;
    do {
        enum store_change change =
            run_stage(pipeline, stages_row(progress->update->stage), progress);
        if (change == STORE_LOST) {
            return true;
        }
        /* After a failed store the result may be in the database all the same: wake the waiting. */
        if (change == STORE_FAILED || progress->update->result != RESULT_NONE) {
            (void)stages_row(STAGE_NOTIFY)->run(pipeline, progress->update, &progress->notes);
            return change != STORE_FAILED;
        }
    } while (!hands_over(progress));
    return true;
}

/* Ends an update whose row cannot be read, so that it holds up no other. */
static bool give_up(struct pipeline *pipeline, struct progress *progress, const struct err *err) {
    progress->outcome = outcome_fail("%.300s", err->message);
    bool stored = store_outcome(pipeline, progress) != STORE_FAILED;
    (void)stages_row(STAGE_NOTIFY)->run(pipeline, progress->update, &progress->notes);
    return stored;
}

bool pipeline_advance(struct pipeline *pipeline, struct update *update) {
    struct progress progress = {.update = update};
    struct err err = ERR_INIT;
    notes_init(&progress.notes);
    pipeline->moving = update;
    pipeline->passed_boot_ms = 0;
    bool stored = notes_load(update, &progress.notes, &err) ? advance(pipeline, &progress)
                                                            : give_up(pipeline, &progress, &err);
    pipeline->moving = NULL;
    notes_release(&progress.notes);
    return stored;
}
