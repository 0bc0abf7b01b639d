/* apply: runs the driver's steps. Before the stop of the old version the update can go back to the
 * gate. */
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

#define TRIES 8 /* transient failures of a step before undoing it: about a minute */

static const struct outcome_backoff forward = {.first_ms = 500, .most_ms = 15 * 1000};

/* Notes the time when the first step takes the target down. */
static void note_down(struct notes *notes, const struct platform_step *step) {
    if (!step->patient && !notes->down_ms) {
        notes->down_ms = clock_now_ms();
    }
    notes->stopped = true;
}

/* A restart or a transient failure may have taken long since the gate: the window may be closed by
 * now, and the registry's answer old. NEXT: continue; BACK: begin again at an earlier stage; WAIT:
 * unknown for now. */
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

/* Before the first step: does the target still match the earlier stages? */
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

/* Did a step take effect? The journal only knows that it was about to run, so ask the target.
 * False: unknown for now. */
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

/* Resumes an interrupted swap. Before the old version is stopped, waiting for the next window costs
 * nothing: undo the steps and go back. */
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
        /* Gone or changed: the steps find out and report it. */
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

/* Journals a step and runs it. A step before the one reached earlier only checks its state again
 * and needs no entry. */
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
    /* Resumed: after a reboot the engine may have started the stopped container, so check every
     * step that runs while the target is down again. */
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
