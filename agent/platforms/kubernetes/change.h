/* The change of one container's image in a workload: noting what is there, the patch, and the patch
 * back (kubernetes.md sections C and D). */
#ifndef LANDWAITER_AGENT_PLATFORMS_KUBERNETES_CHANGE_H
#define LANDWAITER_AGENT_PLATFORMS_KUBERNETES_CHANGE_H

#include "agent/platforms/kubernetes/look.h"
#include "agent/platforms/platform.h"

/* struct platform's check: also writes into the journal what the steps need. */
bool change_check(struct platform_task *task, struct err *err);
extern const struct platform_step change_steps[];
/* struct platform's begun. */
bool change_begun(struct platform_task *task, bool *out, struct err *err);

/* The event that it was patched, once. Not with the patch, so that many are patched before the
 * first is talked about; after a crash it may be told twice. Blocks for one request. */
void change_tell_patched(struct platform_task *task, const struct look *look);

#endif
