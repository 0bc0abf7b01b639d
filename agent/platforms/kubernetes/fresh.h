/* A short-lived cache of objects: the stages of one update follow each other at once and need not
 * all read the same object. A change based on it tests the present value (patch.h). Thread-safe;
 * never blocks for long. */
#ifndef LANDWAITER_AGENT_PLATFORMS_KUBERNETES_FRESH_H
#define LANDWAITER_AGENT_PLATFORMS_KUBERNETES_FRESH_H

#include <jansson.h>
#include <pthread.h>
#include <stdint.h>

#include "base/err.h"

#define FRESH_MS 2000
#define FRESH_COUNT 128
#define FRESH_NAME_SIZE 512

struct fresh {
    pthread_mutex_t mutex;
    struct {
        char name[FRESH_NAME_SIZE];
        int64_t at_ms; /* of clock_boot_ms */
        json_t *object;
    } items[FRESH_COUNT];
};

void fresh_init(struct fresh *fresh);
void fresh_release(struct fresh *fresh);
/* Replaces the entry of that name. */
void fresh_put(struct fresh *fresh, const char *name, json_t *object);
/* Drops an object that was or may have been changed. */
void fresh_forget(struct fresh *fresh, const char *name);
/* New reference to a constant object; NULL: none, or too old. */
json_t *fresh_get(struct fresh *fresh, const char *name) MUST_USE;
/* The same, and drops the entry. */
json_t *fresh_take(struct fresh *fresh, const char *name) MUST_USE;

#endif
