/* Bodies: owns their bytes and their accounting. Never interprets them. */
#include "webhook/body.h"

static size_t counted(size_t capacity) {
    return capacity > BODY_SMALL ? capacity - BODY_SMALL : 0;
}

static enum body_result grow(struct body *body, struct body_memory *memory, size_t wanted) {
    size_t capacity = body->capacity ? body->capacity : BODY_SMALL;
    while (capacity < wanted) {
        capacity *= 2;
    }
    size_t used = memory->used - counted(body->capacity) + counted(capacity);
    if (used > memory->max && counted(capacity) > 0) {
        return BODY_NO_MEMORY;
    }
    char *bytes = realloc(body->bytes, capacity);
    if (!bytes) {
        return BODY_NO_MEMORY;
    }
    body->bytes = bytes;
    body->capacity = capacity;
    memory->used = used;
    return BODY_ADDED;
}

enum body_result body_add(struct body *body, struct body_memory *memory, const void *bytes,
                          size_t len) {
    if (len > memory->each - body->len) {
        return BODY_TOO_LARGE;
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

void body_clear(struct body *body, struct body_memory *memory) {
    body->len = 0;
    if (body->capacity > BODY_SMALL) {
        body_release(body, memory);
    }
}

void body_release(struct body *body, struct body_memory *memory) {
    memory->used -= counted(body->capacity);
    free(body->bytes);
    *body = (struct body){0};
}
