/* The senders that a request began with, kept alive until it is answered, over reloads. Counted on
 * the server's thread only. */
#ifndef LANDWAITER_WEBHOOK_SNAPSHOT_H
#define LANDWAITER_WEBHOOK_SNAPSHOT_H

#include "webhook/server.h"

struct snapshot {
    struct webhook_senders senders;
    size_t references;
};

/* Takes over senders->hold, with one reference for the caller. NULL: out of memory; the hold stays
 * the caller's. */
struct snapshot *snapshot_new(const struct webhook_senders *senders) MUST_USE;
struct snapshot *snapshot_keep(struct snapshot *snapshot);
/* The last one releases the hold. NULL is fine. */
void snapshot_drop(struct snapshot *snapshot);

#endif
