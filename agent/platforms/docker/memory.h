/* How much memory is available on the Docker host. Only where the engine is on this machine: its
 * API does not tell. */
#ifndef LANDWAITER_AGENT_PLATFORMS_DOCKER_MEMORY_H
#define LANDWAITER_AGENT_PLATFORMS_DOCKER_MEMORY_H

#include "agent/platforms/platform.h"

/* As platform.h says: -1 for an engine over TCP, and where /proc does not say. */
bool memory_available(const struct platform_session *session, const char *target, int64_t *out,
                      struct err *err) MUST_USE;

/* MemAvailable out of the text of /proc/meminfo, in bytes; -1: it is not there. Pure. */
int64_t memory_parse(const char *text);

#endif
