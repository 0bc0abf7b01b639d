/* All platforms. */
#ifndef LANDWAITER_AGENT_PLATFORMS_TABLE_H
#define LANDWAITER_AGENT_PLATFORMS_TABLE_H

#include "agent/platforms/platform.h"

/* docker, kubernetes, dry; NULL ends the table. */
extern const struct platform *const platform_table[];
const struct platform *platform_find(const char *name);
/* Finds the platform by the target's name up to the first slash. */
const struct platform *platform_of(const char *target);

/* Starts the threads of the configured platforms. False: starts none. */
bool platform_start_all(const struct platform_start *start, struct platform_running *out,
                        struct err *err) MUST_USE;
void platform_stop_all(struct platform_running *running);

extern const struct platform platform_docker;
extern const struct platform platform_kubernetes;
/* The null platform (dry.h). */
extern const struct platform platform_dry;

#endif
