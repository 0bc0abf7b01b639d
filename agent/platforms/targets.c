/* Lists of targets. */
#include "agent/platforms/targets.h"

#include <stdlib.h>

void targets_release(struct targets *targets) {
    free(targets->items);
    *targets = (struct targets){0};
}

struct target *targets_add(struct targets *targets) {
    if (targets->count == targets->capacity) {
        size_t capacity = targets->capacity ? targets->capacity * 2 : 4;
        struct target *items = reallocarray(targets->items, capacity, sizeof *targets->items);
        if (!items) {
            return NULL;
        }
        targets->items = items;
        targets->capacity = capacity;
    }
    struct target *added = &targets->items[targets->count++];
    *added = (struct target){0};
    return added;
}
