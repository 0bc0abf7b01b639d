/* A StatefulSet that is stuck after a rollback: with OrderedReady it replaces no pod that is not
 * ready, not even one of a template that is gone (kubernetes/kubernetes#67250). */
#ifndef LANDWAITER_AGENT_PLATFORMS_KUBERNETES_STUCK_H
#define LANDWAITER_AGENT_PLATFORMS_KUBERNETES_STUCK_H

#include "agent/platforms/kubernetes/look.h"

/* Deletes its pods that still have the failed image and are not ready, where `delete_pods` allows
 * it. ERR_INVALID: there are such pods, and somebody has to delete them by hand. True for
 * everything that is not stuck. Blocks. */
bool stuck_clear(struct platform_task *task, const struct look *look, struct err *err) MUST_USE;

#endif
