/* READ THIS FIRST: the way of a push.
 *
 *   HTTP request -> webhook: authenticate the raw bytes, parse -> store (fsync) -> 202
 *   push         -> match (match.h): one update for each target that runs the image
 *   update       -> policy -> resolve -> verify -> fetch -> gate -> apply -> observe -> settle
 *                -> notify
 *
 * A stage (stage.h) is a synchronous function from facts to one of NEXT, WAIT (how long, and what
 * for), BACK (to which stage), DROP, FAIL, UNDO. The engine (pipeline.c) alone moves an update, and
 * stores each transition before anything is touched for it. A wait is a row in the database, never
 * a sleeping thread, so a restart at any instant is nothing special: it is reading the table again.
 * `apply` is itself a table of steps (platform.h), each with run and undo; the step reached is
 * stored before the step runs (journal.h). */
#ifndef LANDWAITER_AGENT_PIPELINE_PIPELINE_H
#define LANDWAITER_AGENT_PIPELINE_PIPELINE_H

#include "agent/pipeline/context.h"

/* Takes an update through its stages until it waits or is finished. False: the store cannot be
 * written; nothing was decided. */
bool pipeline_advance(struct pipeline *pipeline, struct update *update) MUST_USE;

#endif
