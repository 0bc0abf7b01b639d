/* Finds problems in a cluster: missing permissions, and workloads that cannot be rolled out without
 * a gap. */
#ifndef LANDWAITER_AGENT_PLATFORMS_KUBERNETES_EXAMINE_H
#define LANDWAITER_AGENT_PLATFORMS_KUBERNETES_EXAMINE_H

#include <jansson.h>

#include "agent/platforms/kubernetes/kinds.h"
#include "agent/platforms/platform.h"

/* struct platform's examine. Checks each permission with a SelfSubjectAccessReview, and lists the
 * workloads. Blocks. */
void examine_cluster(const struct platform_session *session, json_t *report);

/* Adds findings on one workload that may be updated. Pure. */
void examine_workload(const struct kind *kind, const json_t *object, json_t *report);

#endif
