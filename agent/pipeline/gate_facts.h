/* The facts for the gate's decision (gate.h), gathered from the store, the configuration and the
 * platform. */
#ifndef LANDWAITER_AGENT_PIPELINE_GATE_FACTS_H
#define LANDWAITER_AGENT_PIPELINE_GATE_FACTS_H

#include "agent/pipeline/context.h"
#include "agent/pipeline/gate.h"
#include "agent/pipeline/notes.h"

/* What many questions of one instant share. */
struct gate_shared {
    int64_t now_ms;
    struct update_others open; /* all open updates; owned */
    bool decided;              /* schedule is the verdict on windows */
    struct settings_names windows;
    struct schedule_verdict schedule;
};

struct gate_question {
    const struct update *update;
    struct notes *notes;
    const struct target *target; /* as it is now */
};

/* May it start now? Notes what other updates have to know of it, and since when an approval is
 * asked for. */
bool gate_ask(struct pipeline *pipeline, const struct gate_question *question,
              struct gate_verdict *out, struct err *err) MUST_USE;
/* Is the registry's word in the notes young enough to act on? */
bool gate_fresh(const struct notes *notes) MUST_USE;

#endif
