/* Lists of targets; drivers fill them. */
#ifndef LANDWAITER_AGENT_PLATFORMS_TARGETS_H
#define LANDWAITER_AGENT_PLATFORMS_TARGETS_H

#include <stddef.h>

#include "agent/model/target.h"

struct targets {
    struct target *items;
    size_t count;
    size_t capacity;
};
void targets_release(struct targets *targets);
/* Adds a zeroed entry. NULL: out of memory. */
struct target *targets_add(struct targets *targets);

#endif
