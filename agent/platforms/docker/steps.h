/* The steps of the swap of one container (docker-engine.md section 10), each with its undo.
 *
 * The swap knows two containers by id and name: OLD (task->instance; named NAME, then
 * NAME.landwaiter-old-<12 digits of OLD's id>) and NEW (journal's "new"; named
 * NAME.landwaiter-new-<12 digits of OLD's id> until it takes NAME). It never renames, starts, stops
 * or removes any other. */
#ifndef LANDWAITER_AGENT_PLATFORMS_DOCKER_STEPS_H
#define LANDWAITER_AGENT_PLATFORMS_DOCKER_STEPS_H

#include "agent/platforms/platform.h"

extern const struct platform_step steps_table[];

/* struct platform's commit. */
bool steps_commit(struct platform_task *task, struct err *err);

#endif
