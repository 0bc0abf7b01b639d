/* The steps `rename-old` and `rename-new` of a swap. */
#ifndef LANDWAITER_AGENT_PLATFORMS_DOCKER_RENAME_H
#define LANDWAITER_AGENT_PLATFORMS_DOCKER_RENAME_H

#include "agent/platforms/platform.h"

bool rename_old_run(struct platform_task *task, struct err *err) MUST_USE;
bool rename_old_undo(struct platform_task *task, struct err *err) MUST_USE;
bool rename_new_run(struct platform_task *task, struct err *err) MUST_USE;
bool rename_new_undo(struct platform_task *task, struct err *err) MUST_USE;

#endif
