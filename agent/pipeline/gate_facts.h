/* Gathers the facts for the gate's decision (gate.h) from the store, the configuration and the
 * platform. */
#ifndef LANDWAITER_AGENT_PIPELINE_GATE_FACTS_H
#define LANDWAITER_AGENT_PIPELINE_GATE_FACTS_H

#include "agent/pipeline/context.h"
#include "agent/pipeline/gate.h"
#include "agent/pipeline/notes.h"

/* Shared by the questions of one instant. */
struct gate_shared {
    int64_t now_ms;
    struct update_others open; /* all open updates; owned */
    bool decided;              /* is schedule set? */
    struct settings_names windows;
    struct schedule_verdict schedule;
};

struct gate_question {
    const struct update *update;
    struct notes *notes;
    const struct target *target; /* as found now */
    bool decides;                /* decide alone: see stage_row.exclusive */
};

/* The update takes its turn, for its party and its image. */
void gate_take_turn(const struct pipeline *pipeline, const struct update *update);
/* May the update start now? Notes its group and dependencies, and the time when its approval was
 * requested. */
bool gate_ask(struct pipeline *pipeline, const struct gate_question *question,
              struct gate_verdict *out, struct err *err) MUST_USE;
/* Is the registry's answer in the notes recent enough to act on? */
bool gate_fresh(const struct notes *notes) MUST_USE;

#endif
