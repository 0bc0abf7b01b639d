/* Refuses containers whose update is not supported, before anything is touched. */
#ifndef LANDWAITER_AGENT_PLATFORMS_DOCKER_CHECK_H
#define LANDWAITER_AGENT_PLATFORMS_DOCKER_CHECK_H

#include "agent/platforms/platform.h"

/* struct platform's check. ERR_INVALID: not supported; ERR_GONE: another container has the name
 * now. */
bool check_container(struct platform_task *task, struct err *err);

/* The checks that need only the container's own document. Pure. */
bool check_document(const json_t *inspect, struct err *err) MUST_USE;
/* Legacy links show in the target's list entry as further names, "/CONSUMER/ALIAS". Writes the name
 * of the first consumer. Pure. */
bool check_linked(const json_t *entry, char *consumer, size_t size);

#endif
