/* Does the new image start and stay up? */
#ifndef LANDWAITER_AGENT_PLATFORMS_KUBERNETES_OBSERVE_H
#define LANDWAITER_AGENT_PLATFORMS_KUBERNETES_OBSERVE_H

#include "agent/platforms/platform.h"

/* struct platform's observe. */
bool observe_rollout(struct platform_task *task, struct platform_observation *out, struct err *err);

#endif
