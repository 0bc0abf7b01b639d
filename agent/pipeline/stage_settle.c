/* settle: commits a healthy update, or undoes it. */
#include "agent/pipeline/journal.h"
#include "agent/pipeline/stage.h"
#include "agent/pipeline/swap.h"
#include "agent/pipeline/task.h"
#include "agent/platforms/table.h"
#include "base/crashpoint.h"
#include "base/json.h"
#include "base/log.h"

static struct outcome commit(struct pipeline *pipeline, const struct update *update,
                             struct notes *notes) {
    struct task task;
    struct err err = ERR_INIT;
    task_begin(pipeline, update, notes, &task);
    bool done = platform_of(update->target)->commit(&task.task, &err);
    crashpoint("after the commit");
    if (!done && err.kind == ERR_TRANSIENT) {
        return outcome_again(update, &swap_backoff, &err);
    }
    if (notes->why[0]) {
        return outcome_fail("%.200s; rollback is off, so the new one was left as it is",
                            notes->why);
    }
    if (!done) {
        log_event(LOG_WARNING, "update.leftover", "target", update->target, "reason", err.message,
                  NULL);
    }
    struct outcome outcome = outcome_next("%s", notes->good[0] ? notes->good : "updated");
    outcome.result = RESULT_UPDATED;
    return outcome;
}

/* The target is as it was before; the update waits for its turn again. */
static struct outcome begin_again(struct pipeline *pipeline, const struct update *update,
                                  struct notes *notes, const char *why) {
    const struct outcome back = outcome_back(notes->return_to, "%s", why);
    struct outcome outcome = swap_turn_back(pipeline, update, &back);
    if (outcome.verdict == VERDICT_BACK) {
        notes_undone(notes);
    }
    return outcome;
}

static struct outcome put_back(struct pipeline *pipeline, const struct update *update,
                               struct notes *notes) {
    const char *why = notes->why[0] ? notes->why : "it failed";
    enum result untouched = result_parse(json_text(notes->driver, PLATFORM_UNTOUCHED));
    if (!notes->problem[0] && notes->return_to != STAGE_UNKNOWN) {
        return begin_again(pipeline, update, notes, why);
    }
    struct outcome outcome = outcome_fail("%.300s", why);
    if (untouched != RESULT_NONE) {
        outcome.result = untouched;
        return outcome;
    }
    if (notes->problem[0]) {
        return outcome_fail("%.150s; and not all could be put back: %.150s", why, notes->problem);
    }
    if (!notes->stopped) {
        return outcome;
    }
    struct err err = ERR_INIT;
    if (!store_reject(pipeline->store, update, &err)) {
        return outcome_again(update, &swap_backoff, &err);
    }
    outcome.result = RESULT_ROLLED_BACK;
    return outcome;
}

/* True: continue with the step before; false: *out is the answer. */
static bool undo_step(struct pipeline *pipeline, const struct platform_step *step,
                      struct notes *notes, struct outcome *out) {
    struct task task;
    struct err err = ERR_INIT;
    const struct update *update = pipeline->moving;
    task_begin_step(pipeline, update, notes, &task);
    if (!journal_step(pipeline, notes, &(struct journal_entry){.step = step}, &err)) {
        *out = outcome_again(update, &swap_backoff, &err);
        return false;
    }
    bool done = !step->undo || step->undo(&task.task, &err);
    crashpoint("after a step is undone");
    if (!done && err.kind == ERR_TRANSIENT) {
        *out = outcome_again(update, &swap_backoff, &err);
        return false;
    }
    if (!done) {
        /* Undo the other steps nevertheless, as far as possible. */
        (void)snprintf(notes->problem, sizeof notes->problem, "%.300s", err.message);
    }
    return true;
}

struct outcome stage_settle(struct pipeline *pipeline, const struct update *update,
                            struct notes *notes) {
    if (!update->back) {
        return commit(pipeline, update, notes);
    }
    const struct platform *platform = platform_of(update->target);
    struct outcome outcome = {0};
    for (size_t i = swap_index(platform, update->step) + 1; i > 0; i--) {
        if (!undo_step(pipeline, &platform->steps[i - 1], notes, &outcome)) {
            return outcome;
        }
    }
    return put_back(pipeline, update, notes);
}
