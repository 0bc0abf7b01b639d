/* Does the new image come up and stay up? (kubernetes.md section C.) */
#ifndef LANDWAITER_AGENT_KUBERNETES_OBSERVE_H
#define LANDWAITER_AGENT_KUBERNETES_OBSERVE_H

#include "agent/platform.h"

/* struct platform's observe. */
bool observe_rollout(struct platform_task *task, struct platform_observation *out, struct err *err);

#endif
