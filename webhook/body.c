/* Bodies: owns their bytes and their accounting. Never interprets them. */
#include "webhook/body.h"

#include <string.h>

static const char nothing[BODY_EACH_MAX]; /* pages that are only read take no memory */

static size_t counted(size_t capacity) {
    return capacity > BODY_SMALL ? capacity - BODY_SMALL : 0;
}

void body_begin(struct body *body, size_t *account) {
    body->account = account;
    body->discarded = false;
}

/* Counts the body with another capacity. */
static void recount(struct body *body, size_t capacity) {
    if (body->pool) {
        body->pool->used -= counted(body->capacity);
        body->pool->used += counted(capacity);
        if (body->account) {
            *body->account -= counted(body->capacity);
            *body->account += counted(capacity);
        }
    }
    body->capacity = capacity;
}

static enum body_result grow(struct body *body, struct body_memory *memory, size_t wanted) {
    size_t capacity = body->capacity ? body->capacity : BODY_SMALL;
    while (capacity < wanted) {
        capacity *= 2;
    }
    const size_t more = counted(capacity) - counted(body->capacity);
    if (!body->pool) {
        body->pool = body->account ? &memory->unproven : &memory->proven;
    }
    if (more > 0 && body->account && *body->account + more > memory->share) {
        return BODY_SHARE_FULL;
    }
    if (more > 0 && body->pool->used + more > body->pool->max) {
        return BODY_NO_MEMORY;
    }
    char *bytes = realloc(body->bytes, capacity);
    if (!bytes) {
        return BODY_NO_MEMORY;
    }
    body->bytes = bytes;
    recount(body, capacity);
    return BODY_ADDED;
}

enum body_result body_add(struct body *body, struct body_memory *memory, const void *bytes,
                          size_t len) {
    if (len > memory->each - body->len) {
        return BODY_TOO_LARGE;
    }
    if (body->discarded) {
        body->len += len;
        return BODY_ADDED;
    }
    if (len > body->capacity - body->len) {
        enum body_result grown = grow(body, memory, body->len + len);
        if (grown != BODY_ADDED) {
            return grown;
        }
    }
    memcpy(body->bytes + body->len, bytes, len);
    body->len += len;
    return BODY_ADDED;
}

static void drop(struct body *body) {
    recount(body, 0);
    free(TAKE(body->bytes));
    body->pool = NULL;
}

void body_discard(struct body *body) {
    drop(body);
    body->discarded = true;
}

const void *body_bytes(const struct body *body) {
    return body->discarded || body->len == 0 ? nothing : body->bytes;
}

void body_clear(struct body *body) {
    if (body->capacity > BODY_SMALL) {
        drop(body);
    }
    body->pool = NULL;
    body->account = NULL;
    body->len = 0;
    body->discarded = false;
}

void body_release(struct body *body) {
    drop(body);
    *body = (struct body){0};
}
