/* gate: may it happen now? An update that has waited asks the registry again before its turn. */
#include "agent/pipeline/gate_facts.h"
#include "agent/pipeline/judge.h"
#include "agent/pipeline/stage.h"
#include "base/clock.h"

static const struct outcome_backoff away = {.first_ms = 2000, .most_ms = INT64_C(5) * 60 * 1000};

static struct outcome waits(struct notes *notes, const struct gate_verdict *verdict) {
    struct outcome wait = outcome_wait(OUTCOME_UNTIL_WOKEN, "%s", verdict->reason);
    wait.until_ms = verdict->until_ms;
    notes->order.waits_for_room = verdict->for_room;
    return wait;
}

static struct outcome open_gate(struct pipeline *pipeline, const struct update *update,
                                const struct notes *notes, const struct gate_verdict *verdict) {
    if (!gate_fresh(notes)) {
        return outcome_back(STAGE_POLICY, "its turn has come: the registry is asked again");
    }
    gate_take_turn(pipeline, update);
    pipeline->passed_boot_ms = clock_boot_ms();
    return outcome_next("%s", verdict->reason);
}

static struct outcome ask(struct pipeline *pipeline, const struct update *update,
                          struct notes *notes) {
    struct target target = {0};
    struct err err = ERR_INIT;
    struct gate_verdict verdict = {0};
    struct outcome found = judge_find(pipeline, update, notes, &target);
    if (found.verdict != VERDICT_NEXT) {
        return found;
    }
    pipeline->passed_boot_ms = 0;
    const struct gate_question question = {
        .update = update, .notes = notes, .target = &target, .decides = true};
    if (!gate_ask(pipeline, &question, &verdict, &err)) {
        return outcome_again(update, &away, &err);
    }
    notes->away_ms = 0;
    switch (verdict.answer) {
    case GATE_EXPIRED:
        return outcome_drop(RESULT_CANCELLED, "%s", verdict.reason);
    case GATE_WAIT:
        return waits(notes, &verdict);
    case GATE_OPEN:
    default:
        return open_gate(pipeline, update, notes, &verdict);
    }
}

struct outcome stage_gate(struct pipeline *pipeline, const struct update *update,
                          struct notes *notes) {
    bool waited = notes->order.waits_for_room;
    notes->order.waits_for_room = false;
    struct outcome outcome = ask(pipeline, update, notes);
    /* The update that has the turn may be asleep, also when this one yields to it. */
    bool asleep = outcome.until_ms == 0 && notes->order.waits_for_room;
    outcome.yields =
        waited && (outcome.verdict == VERDICT_WAIT || outcome.verdict == VERDICT_BACK) && !asleep;
    return outcome;
}
