/* The journal of a swap. Each step is stored before it runs or is undone, so that after a crash the
 * same step runs or is undone again; the driver's steps look at the real state. */
#ifndef LANDWAITER_AGENT_PIPELINE_JOURNAL_H
#define LANDWAITER_AGENT_PIPELINE_JOURNAL_H

#include "agent/pipeline/context.h"
#include "agent/pipeline/notes.h"

struct journal_entry {
    const struct platform_step *step;
    bool needed; /* do not run the step if the store fails */
};

/* Stores the notes and the step that is about to run (or, while the update goes back, to be
 * undone); with several replicas, waits until that is replicated. Resets the attempts for a new
 * step. False: do not run the step now. */
bool journal_step(struct pipeline *pipeline, const struct notes *notes,
                  const struct journal_entry *entry, struct err *err) MUST_USE;
/* Several replicas: is the last write replicated? */
bool journal_replicated(const struct pipeline *pipeline, struct err *err) MUST_USE;

#endif
