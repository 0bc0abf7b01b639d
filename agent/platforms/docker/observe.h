/* Does the new container come up and stay up? (docker-engine.md section 8.) */
#ifndef LANDWAITER_AGENT_PLATFORMS_DOCKER_OBSERVE_H
#define LANDWAITER_AGENT_PLATFORMS_DOCKER_OBSERVE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "agent/platforms/platform.h"

/* struct platform's observe. */
bool observe_container(struct platform_task *task, struct platform_observation *out,
                       struct err *err);

struct observe_facts {
    const json_t *inspect; /* of the new container, as it is now */
    const struct settings *settings;
    int64_t now_ms;   /* of clock_boot_ms: setting the wall clock does not change a soak */
    const char *boot; /* id of the boot that now_ms counts from */
};
/* The decision. notes keeps its reference times from one look to the next ("started_ms",
 * "healthy_ms", "started_at", "boot"). Pure. */
void observe_judge(const struct observe_facts *facts, json_t *notes,
                   struct platform_observation *out);

#endif
