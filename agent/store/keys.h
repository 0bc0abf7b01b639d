/* The replay keys of deliveries. Keys are random, so indexing them one by one would change a page
 * of the index for each. Instead the newest stay in their pushes' rows and in memory, and go to the
 * index in sorted runs, a slice with each commit, where neighbours share pages.
 *
 * Only for the connection that accepts pushes. */
#ifndef LANDWAITER_AGENT_STORE_KEYS_H
#define LANDWAITER_AGENT_STORE_KEYS_H

#include "agent/store/internal.h"

#define STORE_KEYS_RUN 8192 /* keys of a run: 72 bytes each */

/* Reads the keys that were not indexed when the agent last ended; once. */
bool store_keys_load(struct store *store, struct err *err) MUST_USE;
/* Was this delivery accepted before, or in this transaction? Sets outcome and id if so. */
bool store_keys_seen(struct store *store, struct webhook_delivery *delivery) MUST_USE;
/* Inside the transaction that stores the push. */
bool store_keys_add(struct store *store, const struct webhook_delivery *delivery, int64_t push,
                    struct err *err) MUST_USE;
/* Inside the same transaction, after its pushes: indexes as many keys of the run as pushes came. */
bool store_keys_merge(struct store *store, size_t count, struct err *err) MUST_USE;
/* After the transaction. committed: false forgets the keys that it added. */
void store_keys_end(struct store *store, bool committed);
/* While no pushes come: indexes all keys and frees the memory, if that is worth a transaction. */
void store_keys_trim(struct store *store);
/* Adds one key to the index at once, inside the caller's transaction. */
bool store_keys_index(struct store *store, const unsigned char key[DIGEST_BYTES], int64_t push,
                      struct err *err) MUST_USE;
void store_keys_free(struct store_keys *keys);

#endif
