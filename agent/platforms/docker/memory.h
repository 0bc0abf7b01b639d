/* The available memory of the Docker host, if the engine is on this machine. The API does not
 * report it. */
#ifndef LANDWAITER_AGENT_PLATFORMS_DOCKER_MEMORY_H
#define LANDWAITER_AGENT_PLATFORMS_DOCKER_MEMORY_H

#include "agent/platforms/platform.h"

/* As in platform.h. -1: an engine over TCP, or /proc without the value. */
bool memory_available(const struct platform_session *session, const char *target, int64_t *out,
                      struct err *err) MUST_USE;

/* MemAvailable in the text of /proc/meminfo, in bytes; -1: absent. Pure. */
int64_t memory_parse(const char *text);

#endif
