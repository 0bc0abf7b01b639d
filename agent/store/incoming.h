/* Pushes that another replica wrote, taken into the tables of this one, inside the caller's
 * transaction. Shared by inbox.c and slots.c. */
#ifndef LANDWAITER_AGENT_STORE_INCOMING_H
#define LANDWAITER_AGENT_STORE_INCOMING_H

#include <jansson.h>

#include "agent/store/internal.h"

/* A record's text as JSON; the caller owns *out. */
bool incoming_parse(const char *text, json_t **out, struct err *err) MUST_USE;

struct incoming_push {
    const json_t *row; /* borrowed */
    int64_t id;
    bool keyed;
    unsigned char key[DIGEST_BYTES], body[DIGEST_BYTES];
};
struct incoming_push incoming_push(const json_t *row);

/* Is there a push of that id? */
bool incoming_known(struct store *store, int64_t id) MUST_USE;
/* Is there another push of the same id? */
bool incoming_collides(struct store *store, const struct incoming_push *push) MUST_USE;
/* The first stored push with the same key, if two replicas accepted one delivery. 0: none. */
int64_t incoming_twin(struct store *store, const struct incoming_push *push) MUST_USE;
/* If twin is not 0, the key stays with the twin. ERR_INVALID: the row is no push. */
bool incoming_insert(struct store *store, const struct incoming_push *push, int64_t twin,
                     struct err *err) MUST_USE;
/* superseded_by: 0 leaves it as it is. */
bool incoming_superseded(struct store *store, int64_t id, int64_t superseded_by,
                         struct err *err) MUST_USE;
/* Marks all keys as indexed, and all pushes as looked at: the table arrivals holds those that are
 * not. */
bool incoming_watermarks(struct store *store, struct err *err) MUST_USE;

#endif
