/* Events on a workload, for people with `kubectl describe`. Failures to write one are ignored. */
#ifndef LANDWAITER_AGENT_PLATFORMS_KUBERNETES_EVENT_H
#define LANDWAITER_AGENT_PLATFORMS_KUBERNETES_EVENT_H

#include <stdbool.h>

#include "agent/platforms/kubernetes/workload.h"
#include "agent/platforms/platform.h"

struct event {
    const struct workload_name *name;
    const char *reason; /* "ImageUpdated" */
    bool warning;
    char message[REASON_SIZE + 64];
};
/* Makes one request, and ignores a failure. Blocks. */
void event_tell(const struct platform_task *task, const struct event *event);

#endif
