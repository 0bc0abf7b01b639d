/* The kept members of objects in a list or a watch: those that the driver reads, and no more
 * (base/json_sieve.h). */
#ifndef LANDWAITER_AGENT_PLATFORMS_KUBERNETES_KEPT_H
#define LANDWAITER_AGENT_PLATFORMS_KUBERNETES_KEPT_H

#include "agent/platforms/kubernetes/kinds.h"
#include "base/json_sieve.h"

#define KEPT_MEMBERS 72

/* For a kind of workload: whatever workload_sighting and examine_workload read, and the members that
 * follow.h asks for. Points into kind's configuration. */
struct kept {
    struct json_sieve_part members[KEPT_MEMBERS];
};
void kept_of(const struct kind *kind, struct kept *out);

/* For pods.c: names, images and status. */
extern const struct json_sieve_part kept_pod[];
/* For nodes.c: the memory of nodes, and the memory that pods ask for. */
extern const struct json_sieve_part kept_node[];
extern const struct json_sieve_part kept_pod_memory[];

#endif
