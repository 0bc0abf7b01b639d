/* A request's body while it is received: bounded each, and bounded in sum over all connections. */
#ifndef LANDWAITER_WEBHOOK_BODY_H
#define LANDWAITER_WEBHOOK_BODY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/own.h"

/* What an ordinary push needs. It is not counted, so that big bodies of others cannot starve it. */
#define BODY_SMALL 2048

struct body_memory {
    size_t used, max; /* bytes beyond BODY_SMALL, of all */
    size_t each;      /* bytes of one body at most */
};

struct body {
    char *bytes;
    size_t len, capacity;
};

enum body_result { BODY_ADDED, BODY_TOO_LARGE, BODY_NO_MEMORY };

/* Memory grows with what has arrived, not with what was announced. */
enum body_result body_add(struct body *body, struct body_memory *memory, const void *bytes,
                          size_t len) MUST_USE;
/* Empty again. Small memory is kept for the connection's next request. */
void body_clear(struct body *body, struct body_memory *memory);
void body_release(struct body *body, struct body_memory *memory);

#endif
