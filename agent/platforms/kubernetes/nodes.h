/* Free memory of nodes as the scheduler counts it: allocatable memory minus the pods' requests.
 * Needs permission to list nodes, and pods in all namespaces; otherwise unknown. */
#ifndef LANDWAITER_AGENT_PLATFORMS_KUBERNETES_NODES_H
#define LANDWAITER_AGENT_PLATFORMS_KUBERNETES_NODES_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "agent/platforms/platform.h"

/* struct platform's available_memory: of the node with the most room, where a new pod goes. -1: not
 * permitted. Makes two lists. */
bool nodes_memory(const struct platform_session *session, const char *target, int64_t *out,
                  struct err *err);
/* struct platform's at_once: one with a single node or without permission; else two. Asks at most
 * once in ten minutes. */
unsigned nodes_at_once(const struct platform_session *session);

/* Parses a quantity of bytes in Kubernetes' notation: "128Mi", "1.5Gi", "500M", "1e9", "64000m".
 * False: invalid, or too large. Pure. */
bool nodes_quantity(const char *text, int64_t *out) MUST_USE;
/* The most room on any schedulable node, in bytes; 0: none. nodes, pods: arrays of items. Pure. */
int64_t nodes_room(const json_t *nodes, const json_t *pods);

#endif
