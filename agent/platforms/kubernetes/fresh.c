/* A few objects by name; replaces the oldest first. */
#include "agent/platforms/kubernetes/fresh.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"

void fresh_init(struct fresh *fresh) {
    memset(fresh, 0, sizeof *fresh);
    (void)pthread_mutex_init(&fresh->mutex, NULL);
}

void fresh_release(struct fresh *fresh) {
    for (size_t i = 0; i < FRESH_COUNT; i++) {
        json_decref(fresh->items[i].object);
    }
    (void)pthread_mutex_destroy(&fresh->mutex);
}

/* The object's place, or the one to replace. The mutex must be held. */
static size_t fresh_place(const struct fresh *fresh, const char *name) {
    size_t oldest = 0;
    for (size_t i = 0; i < FRESH_COUNT; i++) {
        if (fresh->items[i].object && strcmp(fresh->items[i].name, name) == 0) {
            return i;
        }
        oldest = fresh->items[i].at_ms < fresh->items[oldest].at_ms ? i : oldest;
    }
    return oldest;
}

/* Evicts expired entries. The mutex must be held. */
static void fresh_drop_old(struct fresh *fresh) {
    int64_t now = clock_boot_ms();
    for (size_t i = 0; i < FRESH_COUNT; i++) {
        if (fresh->items[i].object && now - fresh->items[i].at_ms >= FRESH_MS) {
            json_decref(fresh->items[i].object);
            fresh->items[i].object = NULL;
            fresh->items[i].at_ms = 0;
        }
    }
}

static void fresh_set(struct fresh *fresh, const char *name, json_t *object) {
    (void)pthread_mutex_lock(&fresh->mutex);
    fresh_drop_old(fresh);
    size_t place = fresh_place(fresh, name);
    json_t *before = NULL;
    if (object || strcmp(fresh->items[place].name, name) == 0) {
        before = fresh->items[place].object;
        fresh->items[place].object = json_incref(object);
        fresh->items[place].at_ms = object ? clock_boot_ms() : 0;
        (void)snprintf(fresh->items[place].name, FRESH_NAME_SIZE, "%s", object ? name : "");
    }
    json_decref(before); /* jansson counts atomically */
    (void)pthread_mutex_unlock(&fresh->mutex);
}

void fresh_put(struct fresh *fresh, const char *name, json_t *object) {
    fresh_set(fresh, name, object);
}

void fresh_forget(struct fresh *fresh, const char *name) {
    fresh_set(fresh, name, NULL);
}

json_t *fresh_get(struct fresh *fresh, const char *name) {
    json_t *found = NULL;
    (void)pthread_mutex_lock(&fresh->mutex);
    size_t place = fresh_place(fresh, name);
    if (strcmp(fresh->items[place].name, name) == 0 &&
        clock_boot_ms() - fresh->items[place].at_ms < FRESH_MS) {
        found = json_incref(fresh->items[place].object);
    }
    (void)pthread_mutex_unlock(&fresh->mutex);
    return found;
}

json_t *fresh_take(struct fresh *fresh, const char *name) {
    json_t *found = fresh_get(fresh, name);
    fresh_forget(fresh, name);
    return found;
}
