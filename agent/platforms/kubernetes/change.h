/* Changes the image of one container of a workload: notes the present state, patches it, and
 * patches it back. */
#ifndef LANDWAITER_AGENT_PLATFORMS_KUBERNETES_CHANGE_H
#define LANDWAITER_AGENT_PLATFORMS_KUBERNETES_CHANGE_H

#include "agent/platforms/kubernetes/look.h"
#include "agent/platforms/platform.h"

/* struct platform's check. Also notes in the journal everything that the steps need. */
bool change_check(struct platform_task *task, struct err *err);
extern const struct platform_step change_steps[];
/* struct platform's begun. */
bool change_begun(struct platform_task *task, bool *out, struct err *err);

/* Writes an event about the patch, once. Separate from the patch, so that many workloads are
 * patched before the first event; after a crash it may be written twice. Blocks for one request. */
void change_tell_patched(struct platform_task *task, const struct look *look);

#endif
