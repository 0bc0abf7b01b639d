/* Asks the stages without running them. Stores nothing, fetches nothing. */
#include "agent/pipeline/foresee.h"

#include "agent/pipeline/gate_facts.h"
#include "agent/pipeline/judge.h"

static const struct outcome_backoff away = {.first_ms = 2000, .most_ms = 2000};

static struct outcome foresee_gate(struct pipeline *pipeline, const struct update *update,
                                   struct notes *notes, const struct target *target) {
    struct gate_verdict gate = {0};
    struct err err = ERR_INIT;
    const struct gate_question question = {.update = update, .notes = notes, .target = target};
    if (!gate_ask(pipeline, &question, &gate, &err)) {
        return outcome_again(update, &away, &err);
    }
    switch (gate.answer) {
    case GATE_WAIT:
        return outcome_wait(OUTCOME_UNTIL_WOKEN, "%s", gate.reason);
    case GATE_EXPIRED:
        return outcome_drop(RESULT_CANCELLED, "%s", gate.reason);
    case GATE_OPEN:
    default:
        return outcome_next("%s", gate.reason);
    }
}

struct outcome foresee(struct pipeline *pipeline, const struct update *update, struct notes *notes,
                       struct foresight *in_out) {
    const struct target *target = in_out->target;
    struct outcome outcome = judge_target(&update->image, target);
    in_out->stage = STAGE_POLICY;
    if (outcome.verdict != VERDICT_NEXT) {
        return outcome;
    }
    memcpy(notes->from, target->running, sizeof notes->from);
    memcpy(notes->instance, target->instance, sizeof notes->instance);
    in_out->stage = STAGE_RESOLVE;
    outcome = stage_resolve(pipeline, update, notes);
    if (outcome.verdict == VERDICT_NEXT) {
        in_out->stage = STAGE_VERIFY;
        outcome = stage_verify(pipeline, update, notes);
    }
    if (outcome.verdict == VERDICT_NEXT && in_out->possible) {
        in_out->stage = STAGE_FETCH;
        outcome = judge_possible(pipeline, update, notes, target);
    }
    if (outcome.verdict == VERDICT_NEXT) {
        in_out->stage = STAGE_GATE;
        outcome = foresee_gate(pipeline, update, notes, target);
    }
    in_out->stage = outcome.verdict == VERDICT_NEXT ? STAGE_APPLY : in_out->stage;
    return outcome;
}
