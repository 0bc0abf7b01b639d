/* The platforms that there are. */
#ifndef LANDWAITER_AGENT_PLATFORMS_TABLE_H
#define LANDWAITER_AGENT_PLATFORMS_TABLE_H

#include "agent/platforms/platform.h"

/* docker, kubernetes, dry. Ends with NULL. */
extern const struct platform *const platform_table[];
const struct platform *platform_find(const char *name);
/* By the part of a target's name before the first slash. */
const struct platform *platform_of(const char *target);

/* Starts what the configured platforms run beside the workers. False: nothing of it runs. */
bool platform_start_all(const struct platform_start *start, struct platform_running *out,
                        struct err *err) MUST_USE;
void platform_stop_all(struct platform_running *running);

extern const struct platform platform_docker;
extern const struct platform platform_kubernetes;
/* The null platform: runs nothing, answers everything. */
extern const struct platform platform_dry;

#endif
