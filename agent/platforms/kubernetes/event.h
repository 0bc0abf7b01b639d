/* Events on a workload, for `kubectl describe`. They are for people only: what cannot be written is
 * left. */
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
/* One request, which may fail in silence. Blocks. */
void event_tell(const struct platform_task *task, const struct event *event);

#endif
