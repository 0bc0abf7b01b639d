/* READ THIS FIRST: from a push to an update.
 *
 *   HTTP request -> webhook: authenticate the raw bytes, parse -> store (fsync) -> 202
 *   push         -> match (match.h): one update for each target that runs the image
 *   update       -> policy -> resolve -> verify -> fetch -> gate -> apply -> observe -> settle
 *                -> notify
 *
 * A stage (stage.h) is a synchronous function from facts to one of NEXT, WAIT (how long, and why),
 * BACK (to which stage), DROP, FAIL, UNDO. Only the engine (pipeline.c) moves an update, and it
 * stores each transition before acting on it. A wait is a row in the database, never a sleeping
 * thread; a restart at any instant just reads the rows again. `apply` is itself a table of steps
 * (platform.h), each with run and undo; the step reached is stored before the step runs
 * (journal.h). */
#ifndef LANDWAITER_AGENT_PIPELINE_PIPELINE_H
#define LANDWAITER_AGENT_PIPELINE_PIPELINE_H

#include "agent/pipeline/context.h"

/* Takes an update through its stages until it waits or ends. False: the store cannot be written;
 * the update is as before. */
bool pipeline_advance(struct pipeline *pipeline, struct update *update) MUST_USE;

#endif
