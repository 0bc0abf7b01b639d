/* How much room the nodes have: what the scheduler counts, allocatable memory without what pods
 * have asked for. Needs the permission to list nodes, and pods in all namespaces; without it
 * nothing is known. */
#ifndef LANDWAITER_AGENT_PLATFORMS_KUBERNETES_NODES_H
#define LANDWAITER_AGENT_PLATFORMS_KUBERNETES_NODES_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "agent/platforms/platform.h"

/* struct platform's available_memory: of the node with the most room, as a new pod goes there. -1:
 * not allowed to know. Two lists. */
bool nodes_memory(const struct platform_session *session, const char *target, int64_t *out,
                  struct err *err);
/* struct platform's at_once: one where there is one node, or nobody may tell; else two. Asks at
 * most once in ten minutes. */
unsigned nodes_at_once(const struct platform_session *session);

/* A quantity of bytes as Kubernetes writes it: "128Mi", "1.5Gi", "500M", "1e9", "64000m". False: it
 * is none, or does not fit. Pure. */
bool nodes_quantity(const char *text, int64_t *out) MUST_USE;
/* The most room on any node that takes pods, in bytes; 0: on none. nodes, pods: arrays of items.
 * Pure. */
int64_t nodes_room(const json_t *nodes, const json_t *pods);

#endif
