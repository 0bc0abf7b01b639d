/* The part of a cluster that runs beside the workers: the client, the watches that keep the index,
 * and whether it is complete. One for the process, from start to stop; another kubeconfig or other
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

/* The remembered number of nodes (nodes.h), shared by the workers. */
#define CLUSTER_NODES_MS (INT64_C(10) * 60 * 1000)
struct cluster_nodes {
    atomic_int_fast64_t asked_ms; /* 0: never */
    atomic_size_t count;          /* 0: unknown */
};

/* struct platform's start and stop. Does not wait for the API server. */
bool cluster_start(const struct platform_start *start, void **out, struct err *err) MUST_USE;
void cluster_stop(void *cluster);

/* The session's cluster. ERR_TRANSIENT: not running. */
bool cluster_of(const struct platform_session *session, struct cluster **out,
                struct err *err) MUST_USE;
struct api *cluster_api(struct cluster *cluster);
struct index *cluster_index(struct cluster *cluster);
/* Workloads read a moment ago, by workload_key. */
struct fresh *cluster_fresh(struct cluster *cluster);
/* The watched kinds; one without a name ends the list. */
const struct kind *cluster_kinds(const struct cluster *cluster);
struct cluster_nodes *cluster_nodes(struct cluster *cluster);
/* Has every watch listed all its objects? ERR_TRANSIENT: the message names one that has not, and
 * why. */
bool cluster_filled(struct cluster *cluster, struct err *err) MUST_USE;
/* The same, and no watch fails now. */
bool cluster_ready(struct cluster *cluster, struct err *err) MUST_USE;

#endif
