/* The progress of a rollout by the workload's own status. Pure. */
#ifndef LANDWAITER_AGENT_PLATFORMS_KUBERNETES_ROLLOUT_STATUS_H
#define LANDWAITER_AGENT_PLATFORMS_KUBERNETES_ROLLOUT_STATUS_H

#include "agent/platforms/kubernetes/rollout.h"

/* Judges as `kubectl rollout status` does for each kind, with two differences: a condition counts
 * only when it is newer than the patch, and a custom resource has rules of its own (custom.h). Sets
 * reason unless the rollout is complete. */
enum rollout_state rollout_status(const struct rollout_facts *facts, char reason[REASON_SIZE]);

/* A count in a status; never negative. */
int64_t rollout_count(const json_t *object, const char *member, int64_t fallback);

#endif
