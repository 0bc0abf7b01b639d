/* The senders at the start of a request, kept alive until its answer across reloads.
 * Reference-counted on the server's thread only. */
#ifndef LANDWAITER_WEBHOOK_SNAPSHOT_H
#define LANDWAITER_WEBHOOK_SNAPSHOT_H

#include "webhook/server.h"

struct snapshot {
    struct webhook_senders senders;
    size_t references;
};

/* Owns senders->hold, with one reference for the caller. NULL: out of memory; the caller keeps the
 * hold. */
struct snapshot *snapshot_new(const struct webhook_senders *senders) MUST_USE;
struct snapshot *snapshot_keep(struct snapshot *snapshot);
/* The last drop releases the hold. NULL is allowed. */
void snapshot_drop(struct snapshot *snapshot);

#endif
