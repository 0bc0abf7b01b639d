/* The swap of one container, step by step, each with its way back (docker-engine.md section 10).
 *
 * Two containers are known by their ids and names: OLD (task->instance; named NAME, and aside
 * NAME.landwaiter-old-<12 digits of OLD's id>) and NEW (journal's "new"; named
 * NAME.landwaiter-new-<12 digits of OLD's id> until it takes NAME). Nothing else is ever renamed,
 * started, stopped or removed. */
#ifndef LANDWAITER_AGENT_PLATFORMS_DOCKER_STEPS_H
#define LANDWAITER_AGENT_PLATFORMS_DOCKER_STEPS_H

#include "agent/platforms/platform.h"

extern const struct platform_step steps_table[];

/* struct platform's commit. */
bool steps_commit(struct platform_task *task, struct err *err);

#endif
