/* The journal of a swap: each step is stored before it runs or is undone, so that after a crash the
 * same step is run or undone again; the driver's steps look at what is really there. */
#ifndef LANDWAITER_AGENT_PIPELINE_JOURNAL_H
#define LANDWAITER_AGENT_PIPELINE_JOURNAL_H

#include "agent/pipeline/context.h"
#include "agent/pipeline/notes.h"

struct journal_entry {
    const struct platform_step *step;
    bool needed; /* the step may not run where this cannot be stored */
};

/* Stores the notes and that the step is about to run (or, while the update goes back, to be
 * undone); with several replicas, waits until that is replicated. A new step begins without failed
 * attempts. False: the step may not run now. */
bool journal_step(struct pipeline *pipeline, const struct notes *notes,
                  const struct journal_entry *entry, struct err *err) MUST_USE;
/* Several replicas: is the last write replicated? */
bool journal_replicated(const struct pipeline *pipeline, struct err *err) MUST_USE;

#endif
