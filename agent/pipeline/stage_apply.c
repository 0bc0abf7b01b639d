/* apply: the driver's steps, forwards. Until the old one is stopped there is a way back to the
 * gate.
 */
#include "agent/model/counters.h"
#include "agent/pipeline/gate_facts.h"
#include "agent/pipeline/journal.h"
#include "agent/pipeline/judge.h"
#include "agent/pipeline/stage.h"
#include "agent/pipeline/swap.h"
#include "agent/pipeline/task.h"
#include "agent/platforms/table.h"
#include "base/clock.h"
#include "base/crashpoint.h"

#define TRIES 8 /* failures for now of one step before it is undone: about a minute */

static const struct outcome_backoff forward = {.first_ms = 500, .most_ms = 15 * 1000};

/* The first step that takes the target down notes since when it is. */
static void note_down(struct notes *notes, const struct platform_step *step) {
    if (!step->patient && !notes->down_ms) {
        notes->down_ms = clock_now_ms();
    }
    notes->stopped = true;
}

/* A restart, or a step that failed for now, may have taken any time since the gate: the window may
 * be closed by now, and the registry's word be old. NEXT: on it goes; BACK: from there it has to
 * begin again; WAIT: it cannot be told now. */
static struct outcome still_open(struct pipeline *pipeline, const struct update *update,
                                 struct notes *notes, const struct target *target) {
    struct gate_verdict gate = {0};
    struct err err = ERR_INIT;
    const struct gate_question question = {.update = update, .notes = notes, .target = target};
    if (!gate_ask(pipeline, &question, &gate, &err)) {
        return outcome_again(update, &swap_backoff, &err);
    }
    if (gate.answer != GATE_OPEN) {
        return outcome_back(STAGE_GATE, "%s", gate.reason);
    }
    if (!gate_fresh(notes)) {
        return outcome_back(STAGE_POLICY, "it was interrupted: the registry is asked again");
    }
    return outcome_next("goes on");
}

/* Before the first step: is the target still what the earlier stages looked at? */
static struct outcome recheck(struct pipeline *pipeline, const struct update *update,
                              struct notes *notes) {
    struct target target = {0};
    struct outcome outcome = judge_find(pipeline, update, notes, &target);
    if (outcome.verdict != VERDICT_NEXT) {
        return outcome;
    }
    outcome = judge_digest(pipeline, update, notes);
    if (outcome.verdict != VERDICT_NEXT) {
        return outcome;
    }
    outcome = still_open(pipeline, update, notes, &target);
    if (outcome.verdict != VERDICT_NEXT) {
        return swap_turn_back(pipeline, update, &outcome);
    }
    notes_keep_settings(notes, &target.settings);
    return judge_possible(pipeline, update, notes, &target);
}

/* Has a step taken hold of the target? It is stored before the step runs: whether it did, the
 * target may tell. False: not now. */
static bool has_begun(struct pipeline *pipeline, const struct update *update, struct notes *notes,
                      bool *out, struct err *err) {
    const struct platform *platform = platform_of(update->target);
    struct task task;
    *out = notes->stopped;
    if (!notes->stopped || !platform->begun) {
        return true;
    }
    task_begin(pipeline, update, notes, &task);
    if (!platform->begun(&task.task, out, err)) {
        return false;
    }
    if (!*out) {
        notes->stopped = false;
        notes->down_ms = 0;
    }
    return true;
}

/* Begun before, and interrupted. Until the old container is stopped nothing is lost by waiting for
 * the next window: what was made is undone, and it begins again there. */
static struct outcome resume(struct pipeline *pipeline, const struct update *update,
                             struct notes *notes) {
    struct target target = {0};
    struct err err = ERR_INIT;
    bool begun = false;
    if (!has_begun(pipeline, update, notes, &begun, &err)) {
        return outcome_again(update, &swap_backoff, &err);
    }
    if (begun) {
        return outcome_next("goes on");
    }
    if (!platform_of(update->target)->find(&pipeline->session, update->target, &target, &err)) {
        /* Gone, or no longer what it was: the steps find that out and say so. */
        return err.kind == ERR_TRANSIENT ? outcome_again(update, &swap_backoff, &err)
                                         : outcome_next("goes on");
    }
    struct outcome outcome = still_open(pipeline, update, notes, &target);
    if (outcome.verdict == VERDICT_BACK) {
        notes->return_to = outcome.back_to;
        return outcome_undo("%s", outcome.reason);
    }
    return outcome;
}

static struct outcome failed(const struct update *update, const struct platform_step *step,
                             const struct err *err) {
    if (err->kind == ERR_TRANSIENT && (step->patient || update->attempts < TRIES)) {
        return outcome_again(update, &forward, err);
    }
    return outcome_undo("could not %s: %.250s", step->what, err->message);
}

/* Journals a step and runs it. A step before the one that was reached earlier is only looked at
 * again, which needs no entry. */
static bool run_step(struct pipeline *pipeline, const struct swap_step *at, struct notes *notes,
                     struct outcome *out) {
    struct err err = ERR_INIT;
    const struct platform_step *step = at->step;
    if (step->down) {
        note_down(notes, step);
    }
    const struct journal_entry entry = {.step = step, .needed = at->needed};
    if (!(at->reached ? journal_replicated(pipeline, &err)
                      : journal_step(pipeline, notes, &entry, &err))) {
        *out = outcome_again(pipeline->moving, &forward, &err);
        return false;
    }
    bool done = step->run(at->task, &err);
    crashpoint("after a step has run");
    if (!done) {
        *out = failed(pipeline->moving, step, &err);
    }
    return done;
}

static void measure_downtime(const struct notes *notes, const struct platform *platform) {
    if (notes->down_ms) {
        counters_measure(METRIC_DOWNTIME, platform->name, clock_now_ms() - notes->down_ms);
    }
}

struct outcome stage_apply(struct pipeline *pipeline, const struct update *update,
                           struct notes *notes) {
    const struct platform *platform = platform_of(update->target);
    struct outcome outcome =
        update->step[0] ? resume(pipeline, update, notes) : recheck(pipeline, update, notes);
    if (outcome.verdict != VERDICT_NEXT) {
        return outcome;
    }
    struct task task;
    task_begin_step(pipeline, update, notes, &task);
    /* Begun before: after a reboot the engine may have started what was stopped, so all that is
     * done while the target is down is looked at again. */
    const size_t down = swap_first_down(platform);
    const size_t reached = update->step[0] ? swap_index(platform, update->step) : 0;
    for (size_t i = reached < down ? reached : down; platform->steps[i].name; i++) {
        const struct swap_step at = {.step = &platform->steps[i],
                                     .task = &task.task,
                                     .reached = i < reached,
                                     .needed = i <= down};
        if (!run_step(pipeline, &at, notes, &outcome)) {
            return outcome;
        }
    }
    measure_downtime(notes, platform);
    return outcome_next("swapped");
}
