/* The step `prepare` of a swap: notes in the journal all that the later steps need, so that they
 * and the rollback read nothing while the target is down. */
#ifndef LANDWAITER_AGENT_PLATFORMS_DOCKER_PREPARE_H
#define LANDWAITER_AGENT_PLATFORMS_DOCKER_PREPARE_H

#include "agent/platforms/platform.h"

/* Reads only. */
bool prepare_run(struct platform_task *task, struct err *err) MUST_USE;

#endif
