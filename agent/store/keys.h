/* The replay keys of deliveries. They are random, so an index of them costs a page for each key
 * that is added. So the newest are only in their pushes' rows and in memory; from there they go to
 * the index in sorted runs, a slice with each commit, where neighbours share their pages.
 *
 * For the connection that accepts pushes: one at a time. */
#ifndef LANDWAITER_AGENT_STORE_KEYS_H
#define LANDWAITER_AGENT_STORE_KEYS_H

#include "agent/store/internal.h"

#define STORE_KEYS_RUN 8192 /* keys of a run: 72 bytes each */

/* Reads what was not indexed before the last end, once. */
bool store_keys_load(struct store *store, struct err *err) MUST_USE;
/* Was this delivery accepted before, in this transaction included? Sets outcome and id if so. */
bool store_keys_seen(struct store *store, struct webhook_delivery *delivery) MUST_USE;
/* Inside the transaction that stores the push. */
bool store_keys_add(struct store *store, const struct webhook_delivery *delivery, int64_t push,
                    struct err *err) MUST_USE;
/* Inside the same, after its pushes: indexes as many keys of the run as pushes came. */
bool store_keys_merge(struct store *store, size_t count, struct err *err) MUST_USE;
/* After it: it was committed, or what it added is forgotten. */
void store_keys_end(struct store *store, bool committed);
/* Nothing comes now: indexes all and gives the memory back, where it is worth it. */
void store_keys_rest(struct store *store);
void store_keys_free(struct store_keys *keys);

#endif
