/* A StatefulSet that is stuck after a rollback: with OrderedReady it replaces no pod that is not
 * ready, even if the pod's template is gone (kubernetes/kubernetes#67250). */
#ifndef LANDWAITER_AGENT_PLATFORMS_KUBERNETES_STUCK_H
#define LANDWAITER_AGENT_PLATFORMS_KUBERNETES_STUCK_H

#include "agent/platforms/kubernetes/look.h"

/* Deletes its pods with the failed image that are not ready, if `delete_pods` permits it.
 * ERR_INVALID: there are such pods, and somebody must delete them by hand. True if nothing is
 * stuck. Blocks. */
bool stuck_clear(struct platform_task *task, const struct look *look, struct err *err) MUST_USE;

#endif
