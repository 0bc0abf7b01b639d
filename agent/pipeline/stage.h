/* One stage of an update: a synchronous question with an answer (outcome.h). It reads the
 * update, writes notes and may call the platform; the engine (pipeline.c) alone moves the update.
 *
 * Every stage blocks. One worker at a time runs an update. */
#ifndef LANDWAITER_AGENT_PIPELINE_STAGE_H
#define LANDWAITER_AGENT_PIPELINE_STAGE_H

#include "agent/pipeline/context.h"
#include "agent/pipeline/notes.h"
#include "agent/pipeline/outcome.h"

typedef struct outcome stage_run(struct pipeline *pipeline, const struct update *update,
                                 struct notes *notes);

/* Each in the file of its name. */
stage_run stage_policy;
stage_run stage_resolve;
stage_run stage_verify;
stage_run stage_fetch;
stage_run stage_gate;
stage_run stage_apply;
stage_run stage_observe;
stage_run stage_settle;
stage_run stage_notify;

/* Does that platform fetch nothing? */
bool stage_fetch_quick(const struct update *update);

#endif
