/* The store's part in several replicas (docs/replicas.md): keeps the slot of each row in the
 * cluster's ledger, and the rows that changed since they were written there; takes in the rows of
 * other replicas. Knows texts (JSON), no cluster.
 *
 * With a single replica it costs nothing: triggers note the changes, and exist only while sharing
 * is on. */
#ifndef LANDWAITER_AGENT_STORE_SHARE_H
#define LANDWAITER_AGENT_STORE_SHARE_H

#include "agent/store/store.h"

#define STORE_SLOTS 256
#define STORE_SLOT_ROWS 64
#define STORE_SLOT_MAX ((size_t)512 * 1024)

/* Switches sharing on or off for all connections opened from now on. Switched on, all open updates
 * go into the ledger. */
bool store_share(struct store *store, bool on, struct err *err) MUST_USE;

/* ---- deliveries ---- */

/* Prepares a delivery for the inbox; stores nothing. Sets its outcome and id. *rows: its pushes, if
 * it is WEBHOOK_PENDING; NULL: it was known already. The caller owns *rows. */
bool store_offer(struct store *store, struct webhook_delivery *delivery, int64_t now_ms,
                 json_t **rows, struct err *err) MUST_USE;

/* ---- the inbox ---- */

/* Stores the pushes of an inbox object that are new here; they are to be matched unless the ledger
 * has them. object: NULL for one that this replica just wrote and has not read back yet. */
bool store_inbox_take(struct store *store, const char *object, const char *text,
                      struct err *err) MUST_USE;
/* Forgets an inbox object that was deleted. */
bool store_inbox_gone(struct store *store, const char *object, struct err *err) MUST_USE;
/* Called before and after a list of all objects: at its end, objects that were not taken since the
 * beginning are forgotten, and their pushes are not to be matched here. */
bool store_inbox_sweep(struct store *store, bool ends, struct err *err) MUST_USE;
size_t store_inbox_count(struct store *store);
/* Finds an object of which the ledger has all pushes. False: there is none. */
#define STORE_INBOX_NAME_SIZE 64
bool store_inbox_consumed(struct store *store, char out[STORE_INBOX_NAME_SIZE]) MUST_USE;

/* ---- the ledger ---- */

/* Forgets rows that the ledger never had, before it is read again: another replica may lead now. */
bool store_share_reset(struct store *store, struct err *err) MUST_USE;
/* Replaces the slot's rows by those of its text; finished updates stay. */
bool store_slot_take(struct store *store, int slot, const char *text, struct err *err) MUST_USE;

/* Assigns slots to the rows without one. PUSHES: only pushes that were matched and whose updates
 * the ledger has. ERR_TRANSIENT: the ledger is full. */
enum store_assign { STORE_ASSIGN_OTHERS, STORE_ASSIGN_PUSHES };
bool store_slots_assign(struct store *store, enum store_assign which, struct err *err) MUST_USE;
/* Finds the first slot, at `from` or behind it, with changes that the ledger lacks; -1: none. */
int store_slot_dirty(struct store *store, int from);
/* Does the slot have rows? */
bool store_slot_used(struct store *store, int slot) MUST_USE;
/* A slot's text to write, and the changes that it contains, for store_slot_written. */
struct store_slot {
    int slot;
    struct buf text;
    struct {
        int64_t row, dirty;
    } rows[STORE_SLOT_ROWS];
    size_t count;
};
void store_slot_release(struct store_slot *slot);
bool store_slot_read(struct store *store, int slot, struct store_slot *out,
                     struct err *err) MUST_USE;
/* The ledger has the slot's text now. */
bool store_slot_written(struct store *store, const struct store_slot *slot,
                        struct err *err) MUST_USE;
/* Marks rows to be deleted from the ledger: pushes received before that time whose updates are
 * finished, and rejected digests beyond the newest 1,000. Returns how many rows are shared. */
size_t store_share_retire(struct store *store, int64_t before_ms);

#endif
