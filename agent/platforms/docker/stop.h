/* The step `stop` of a swap, and stopping a container for the other steps. */
#ifndef LANDWAITER_AGENT_PLATFORMS_DOCKER_STOP_H
#define LANDWAITER_AGENT_PLATFORMS_DOCKER_STOP_H

#include "agent/platforms/docker/swap.h"
#include "agent/platforms/platform.h"

/* Stops OLD. */
bool stop_run(struct platform_task *task, struct err *err) MUST_USE;
/* Starts OLD again with its own restart policy. When the owner gave its name to a third container,
 * leaves OLD stopped instead: both would use the same volumes. */
bool stop_undo(struct platform_task *task, struct err *err) MUST_USE;

/* Stops a container within the time that its settings allow. ERR_GONE: it was removed. */
bool stop_container(struct platform_task *task, struct swap *swap, const char *id,
                    struct err *err) MUST_USE;
/* Sets the restart policy to `no`, so that the engine's restart does not start the container. */
bool stop_park(struct platform_task *task, struct swap *swap, const char *id,
               struct err *err) MUST_USE;
/* Parks and stops: a restart of the engine would start a stopped container with the policy
 * `always`. */
bool stop_for_good(struct platform_task *task, struct swap *swap, const char *id,
                   struct err *err) MUST_USE;

#endif
