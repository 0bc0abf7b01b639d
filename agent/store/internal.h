/* Shared by the files of the store only: the connection and its transactions, and the parts of a
 * transaction that other files add. */
#ifndef LANDWAITER_AGENT_STORE_INTERNAL_H
#define LANDWAITER_AGENT_STORE_INTERNAL_H

#include "agent/store/query.h"
#include "agent/store/store.h"

struct store_keys; /* agent/store/keys.h */

/* A sender's pushes, as far as the present transaction needs to know. */
struct store_usage {
    char sender[PUSH_SENDER_SIZE];
    int64_t bytes, added; /* before the transaction; by it */
};

struct store {
    sqlite3 *db;
    struct query_cache statements;
    struct store_keys *keys;   /* NULL until pushes are accepted */
    bool shared;               /* there are several replicas (share.h) */
    bool writing;              /* it has the writers' turn */
    struct store_usage *usage; /* usage.c */
    size_t usage_count;
    bool prune_wanted; /* a sender has used three quarters of its quota */
    bool fast;         /* its next commit does not wait for the disk */
};

/* As SQL: the namespace of update u's target in a cluster, with what comes before it; '' elsewhere. */
#define STORE_NAMESPACE                                                                            \
    "CASE WHEN u.target LIKE 'kubernetes/%' THEN "                                                 \
    "substr(u.target, 1, 11 + instr(substr(u.target, 12), '/')) ELSE '' END"

/* Time limit for another connection's write. */
#define STORE_BUSY_MS 10000

/* Migrates the schema to the newest version; refuses a newer one. */
bool store_migrate(struct store *store, struct err *err) MUST_USE;

/* ---- transactions (database.c) ---- */

/* Runs and closes a statement, and ignores its rows. A change outside of a transaction is on the
 * disk when it returns. */
bool store_run(struct query *query) MUST_USE;
/* Runs several statements without parameters, inside the caller's transaction. */
bool store_exec(struct store *store, const char *sql, struct err *err) MUST_USE;

/* Each begin that returns true needs exactly one commit, rollback or end. Waits for this process's
 * other writers first: SQLite would sleep and poll. */
bool store_begin(struct store *store, struct err *err) MUST_USE;
/* Rolls back if it fails. */
bool store_commit(struct store *store, struct err *err) MUST_USE;
void store_rollback(struct store *store);
/* Commits if good, else rolls back. False: not good, or not committed. */
bool store_end(struct store *store, bool good, struct err *err) MUST_USE;

/* As begin and end, but the commit does not wait for the disk: the change survives a crash of the
 * process at once, and a crash of the machine after the next store_flush. */
bool store_begin_fast(struct store *store, struct err *err) MUST_USE;
bool store_end_fast(struct store *store, bool good, struct err *err) MUST_USE;
/* Blocks until all that this process has committed is on the disk. Threads that wait at the same
 * time share one fsync. */
bool store_flush(struct store *store, struct err *err) MUST_USE;

/* The writers' turn (turn.c). Blocks for STORE_BUSY_MS at most. */
bool store_take_turn(struct store *store, struct err *err) MUST_USE;
void store_end_turn(struct store *store);

/* ---- parts of the caller's transaction ---- */

/* An update's line of history, and its entry in the audit trail. */
struct store_history_line {
    int64_t subject, at_ms;
    const char *stage, *event, *detail;
    const char *actor; /* NULL: landwaiter itself */
    const char *about; /* the audit trail's text in place of the detail; NULL: the detail */
};
bool store_history_add(struct store *store, const struct store_history_line *line,
                       struct err *err) MUST_USE;

#define STORE_AUDIT_DETAIL_SIZE 1536
struct store_audit_entry {
    int64_t at_ms;
    const char *actor; /* NULL: landwaiter itself */
    const char *subject, *event, *detail;
};
bool store_audit_add(struct store *store, const struct store_audit_entry *entry,
                     struct err *err) MUST_USE;

/* A row of the table pushes. */
struct store_push_row {
    int64_t id, lead, received_ms;
    const char *sender, *image, *digest;
    const char *meta;                /* NULL: none */
    const unsigned char *key, *body; /* DIGEST_BYTES each; NULL: not keyed */
};
bool store_push_insert(struct store *store, const struct store_push_row *row,
                       struct err *err) MUST_USE;

/* The bytes of each sender's pushes (usage.c): add each row, and save once before the commit; forget
 * after a rollback. */
bool store_usage_add(struct store *store, const struct store_push_row *row,
                     struct err *err) MUST_USE;
bool store_usage_save(struct store *store, struct err *err) MUST_USE;
void store_usage_forget(struct store *store);
/* Bytes of a sender's stored pushes; 0: it cannot be read. */
int64_t store_usage_of(struct store *store, const char *sender);
/* Has the sender room for the delivery? */
bool store_usage_fits(struct store *store, const struct webhook_delivery *delivery) MUST_USE;

/* Reads the columns "group", depends_on and waits_for_room. False, and the query has failed: out of
 * memory. */
bool store_order_read(struct query *query, struct update_order *out) MUST_USE;

/* Makes all updates at the gate due, and any decision that a worker is making on one stale. */
bool store_gate_wake_all(struct store *store, struct err *err) MUST_USE;

#endif
