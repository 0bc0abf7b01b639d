/* The body of a request during its reception; limits each body, and the sum over all
 * connections. */
#ifndef LANDWAITER_WEBHOOK_BODY_H
#define LANDWAITER_WEBHOOK_BODY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/own.h"

/* Size of an ordinary push. Not counted against the sum, so that others' large bodies cannot starve
 * it. */
#define BODY_SMALL 2048

struct body_memory {
    size_t used, max; /* bytes beyond BODY_SMALL, of all bodies */
    size_t each;      /* largest body, in bytes */
};

struct body {
    char *bytes;
    size_t len, capacity;
};

enum body_result { BODY_ADDED, BODY_TOO_LARGE, BODY_NO_MEMORY };

/* Appends. Memory grows with the received bytes, not with the announced length. */
enum body_result body_add(struct body *body, struct body_memory *memory, const void *bytes,
                          size_t len) MUST_USE;
/* Empties the body; keeps a small buffer for the connection's next request. */
void body_clear(struct body *body, struct body_memory *memory);
void body_release(struct body *body, struct body_memory *memory);

#endif
