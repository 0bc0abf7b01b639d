/* The table of platforms, on top of the room. Knows no platform's workings. */
#include "agent/platforms/table.h"

const struct platform *const platform_table[] = {&platform_docker, &platform_kubernetes,
                                                 &platform_dry, NULL};

static const struct platform *platform_named(const char *name, size_t len) {
    for (const struct platform *const *at = platform_table; *at; at++) {
        if (strlen((*at)->name) == len && strncmp((*at)->name, name, len) == 0) {
            return *at;
        }
    }
    return NULL;
}

const struct platform *platform_find(const char *name) {
    return platform_named(name, strlen(name));
}

const struct platform *platform_of(const char *target) {
    return platform_named(target, strcspn(target, "/"));
}

void platform_stop_all(struct platform_running *running) {
    while (running->count > 0) {
        running->count--;
        running->items[running->count].platform->stop(running->items[running->count].running);
    }
}

bool platform_start_all(const struct platform_start *start, struct platform_running *out,
                        struct err *err) {
    _Static_assert(ARRAY_LENGTH(platform_table) <= PLATFORM_COUNT_MAX, "PLATFORM_COUNT_MAX");
    struct platform_running running = {.count = 0};
    for (size_t i = 0; platform_table[i]; i++) {
        const struct platform *platform = platform_table[i];
        void *one = NULL;
        if (!platform->start || !platform->configured(start->config)) {
            continue;
        }
        if (!platform->start(start, &one, err)) {
            platform_stop_all(&running);
            return err_wrap(err, "%s", platform->name);
        }
        running.items[running.count].platform = platform;
        running.items[running.count++].running = one;
    }
    *out = running;
    return true;
}
