/* For several replicas (docs/replicas.md): which rows of the store stand in the cluster's ledger,
 * in which of its slots, and which of them the ledger does not have yet as they are now; and taking
 * in what other replicas wrote there. Knows texts (JSON), no cluster.
 *
 * Off, none of it costs anything: what is to be written is noted by triggers, which are there only
 * while it is on. */
#ifndef LANDWAITER_AGENT_STORE_SHARE_H
#define LANDWAITER_AGENT_STORE_SHARE_H

#include "agent/store/store.h"

#define STORE_SLOTS 256
#define STORE_SLOT_ROWS 64
#define STORE_SLOT_MAX ((size_t)512 * 1024)

/* On or off, for all who open the store from now on. Switched on, what is open goes into the
 * ledger. */
bool store_share(struct store *store, bool on, struct err *err) MUST_USE;

/* ---- deliveries ---- */

/* Known already: its outcome and id are set, *rows is NULL. Otherwise it is WEBHOOK_PENDING, has an
 * id, and *rows are its pushes, for an inbox; nothing is stored. */
bool store_offer(struct store *store, struct webhook_delivery *delivery, int64_t now_ms,
                 json_t **rows, struct err *err) MUST_USE;

/* ---- the inbox ---- */

/* The pushes of an inbox object: those that are new here are stored, and are to be matched unless
 * the ledger has them. object: NULL for one that was only written, and is yet to be seen. */
bool store_inbox_take(struct store *store, const char *object, const char *text,
                      struct err *err) MUST_USE;
bool store_inbox_gone(struct store *store, const char *object, struct err *err) MUST_USE;
/* Around a list of all: what was not taken in between is gone, and its pushes are not to be
 * matched here. */
bool store_inbox_sweep(struct store *store, bool ends, struct err *err) MUST_USE;
size_t store_inbox_count(struct store *store);
/* An object all of whose pushes the ledger has. False: there is none. */
#define STORE_INBOX_NAME_SIZE 64
bool store_inbox_consumed(struct store *store, char out[STORE_INBOX_NAME_SIZE]) MUST_USE;

/* ---- the ledger ---- */

/* What the ledger never had is forgotten, before it is read anew: somebody else may lead now. */
bool store_share_reset(struct store *store, struct err *err) MUST_USE;
/* What a slot says holds: rows that it had and has no more are gone, but for what is finished. */
bool store_slot_take(struct store *store, int slot, const char *text, struct err *err) MUST_USE;

/* Gives rows that have none a slot. PUSHES: only those that were matched, and whose updates the
 * ledger has. False with ERR_TRANSIENT: it is full. */
enum store_assign { STORE_ASSIGN_OTHERS, STORE_ASSIGN_PUSHES };
bool store_slots_assign(struct store *store, enum store_assign which, struct err *err) MUST_USE;
/* The first slot from `from` on that the ledger does not have as it is here; -1: none. */
int store_slot_dirty(struct store *store, int from);
/* Has it any rows? */
bool store_slot_used(struct store *store, int slot) MUST_USE;
/* A slot as it shall be written, and what to tell store_slot_written when it was. */
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
bool store_slot_written(struct store *store, const struct store_slot *slot,
                        struct err *err) MUST_USE;
/* Marks what the ledger need not keep: pushes received before that whose updates are finished, and
 * refused digests beyond the newest 1,000. Returns how many rows the ledger has. */
size_t store_share_retire(struct store *store, int64_t before_ms);

#endif
