/* What runs beside the workers for a cluster: the client, the watches that keep the index, and
 * whether it is filled. One for the process, from start to stop; another kubeconfig or other
 * namespaces take effect at the next start. */
#ifndef LANDWAITER_AGENT_PLATFORMS_KUBERNETES_CLUSTER_H
#define LANDWAITER_AGENT_PLATFORMS_KUBERNETES_CLUSTER_H

#include <stdatomic.h>

#include "agent/platforms/kubernetes/api.h"
#include "agent/platforms/kubernetes/fresh.h"
#include "agent/platforms/kubernetes/index.h"
#include "agent/platforms/kubernetes/kinds.h"
#include "agent/platforms/platform.h"

struct cluster;

/* What is remembered of how many nodes there are (nodes.h): shared by the workers. */
#define CLUSTER_NODES_MS (INT64_C(10) * 60 * 1000)
struct cluster_nodes {
    atomic_int_fast64_t asked_ms; /* 0: never */
    atomic_size_t count;          /* 0: not known */
};

/* struct platform's start and stop. Does not wait for the API server. */
bool cluster_start(const struct platform_start *start, void **out, struct err *err) MUST_USE;
void cluster_stop(void *cluster);

/* The session's; ERR_TRANSIENT where it does not run. */
bool cluster_of(const struct platform_session *session, struct cluster **out,
                struct err *err) MUST_USE;
struct api *cluster_api(struct cluster *cluster);
struct index *cluster_index(struct cluster *cluster);
/* Workloads that were read a moment ago, by workload_key. */
struct fresh *cluster_fresh(struct cluster *cluster);
/* Those that are watched, ended by one without a name. */
const struct kind *cluster_kinds(const struct cluster *cluster);
struct cluster_nodes *cluster_nodes(struct cluster *cluster);
/* Has every watch listed all that there is? ERR_TRANSIENT says which has not, and why. */
bool cluster_filled(struct cluster *cluster, struct err *err) MUST_USE;
/* The same, and no watch is in trouble now. */
bool cluster_ready(struct cluster *cluster, struct err *err) MUST_USE;

#endif
