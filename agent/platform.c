/* The table of platforms and the list type that they fill. It never knows what a platform does. */
#include "agent/platform.h"

const struct platform *const platform_table[] = {&platform_docker, &platform_dry, NULL};

void platform_targets_release(struct platform_targets *targets) {
    free(targets->items);
    *targets = (struct platform_targets){0};
}

struct platform_target *platform_targets_add(struct platform_targets *targets) {
    if (targets->count == targets->capacity) {
        size_t capacity = targets->capacity ? targets->capacity * 2 : 4;
        struct platform_target *items =
            reallocarray(targets->items, capacity, sizeof(*targets->items));
        if (!items)
            return NULL;
        targets->items = items;
        targets->capacity = capacity;
    }
    struct platform_target *added = &targets->items[targets->count++];
    *added = (struct platform_target){0};
    return added;
}

static const struct platform *platform_named(const char *name, size_t len) {
    for (const struct platform *const *at = platform_table; *at; at++)
        if (strlen((*at)->name) == len && strncmp((*at)->name, name, len) == 0)
            return *at;
    return NULL;
}

const struct platform *platform_find(const char *name) {
    return platform_named(name, strlen(name));
}

const struct platform *platform_of(const char *target) {
    return platform_named(target, strcspn(target, "/"));
}
