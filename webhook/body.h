/* The body of a request during its reception; limits each body, those of one address, and the sum
 * over all connections. Bodies whose sender was proved before them have memory of their own. */
#ifndef LANDWAITER_WEBHOOK_BODY_H
#define LANDWAITER_WEBHOOK_BODY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/own.h"

/* Size of an ordinary push. Not counted against the sums, so that others' large bodies cannot starve
 * it. */
#define BODY_SMALL 2048

struct body_pool {
    size_t used, max; /* bytes beyond BODY_SMALL, of all bodies */
};

struct body_memory {
    struct body_pool unproven, proven;
    size_t share; /* of the unproven bodies of one address */
    size_t each;  /* largest body, in bytes; at most BODY_EACH_MAX */
};

#define BODY_EACH_MAX ((size_t)1024 * 1024)

struct body {
    char *bytes;
    size_t len, capacity;
    size_t *account;        /* memory of its address; NULL: none */
    struct body_pool *pool; /* with a capacity over BODY_SMALL */
    bool discarded;         /* its bytes are counted and not kept */
};

enum body_result {
    BODY_ADDED,
    BODY_TOO_LARGE,
    BODY_SHARE_FULL, /* of the address */
    BODY_NO_MEMORY
};

/* An empty body for the next request. account: the memory of its address, valid until body_clear;
 * NULL: its sender is proven. */
void body_begin(struct body *body, size_t *account);
/* Appends. Memory grows with the received bytes, not with the announced length. */
enum body_result body_add(struct body *body, struct body_memory *memory, const void *bytes,
                          size_t len) MUST_USE;
/* Keeps no byte of it, and none that is still to come: the request is refused. */
void body_discard(struct body *body);
/* `len` bytes; zeroes for a discarded body, so that the same work can be done with it. */
const void *body_bytes(const struct body *body);
/* Empties the body; keeps a small buffer for the connection's next request. */
void body_clear(struct body *body);
void body_release(struct body *body);

#endif
