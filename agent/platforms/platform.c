/* The table of platforms and the list type that they fill. It never knows what a platform does. */
#include "agent/platforms/platform.h"

const struct platform *const platform_table[] = {&platform_docker, &platform_kubernetes,
                                                 &platform_dry, NULL};

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

void platform_stop_all(struct platform_running *running) {
    for (size_t i = 0; platform_table[i]; i++) {
        if (running->of[i]) {
            platform_table[i]->stop(TAKE(running->of[i]));
        }
    }
}

bool platform_start_all(const struct platform_start *start, struct platform_running *out,
                        struct err *err) {
    _Static_assert(ARRAY_LENGTH(platform_table) <= PLATFORM_COUNT_MAX, "PLATFORM_COUNT_MAX");
    struct platform_running running = {{NULL}};
    for (size_t i = 0; platform_table[i]; i++) {
        const struct platform *platform = platform_table[i];
        if (platform->start && platform->configured(start->config) &&
            !platform->start(start, &running.of[i], err)) {
            platform_stop_all(&running);
            return err_wrap(err, "%s", platform->name);
        }
    }
    *out = running;
    return true;
}

void *platform_running_of(const struct platform_session *session, const struct platform *platform) {
    for (size_t i = 0; session->running && platform_table[i]; i++) {
        if (platform_table[i] == platform) {
            return session->running->of[i];
        }
    }
    return NULL;
}
