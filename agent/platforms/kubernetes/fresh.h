/* Objects that were read a moment ago: the stages of one update, which follow each other at once,
 * need not all ask for the same thing. What is done by one tests that it is still so (patch.h).
 * Thread-safe; never blocks for long. */
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
/* In place of what was there of that name. */
void fresh_put(struct fresh *fresh, const char *name, json_t *object);
/* It was changed, or may have been. */
void fresh_forget(struct fresh *fresh, const char *name);
/* New reference, of which nothing may be changed; NULL: none, or too old. */
json_t *fresh_get(struct fresh *fresh, const char *name) MUST_USE;
/* The same, and it is there no more. */
json_t *fresh_take(struct fresh *fresh, const char *name) MUST_USE;

#endif
