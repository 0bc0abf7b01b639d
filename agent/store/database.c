/* One connection: owns its transactions, and whether their commits wait for the disk. */
#include "agent/store/internal.h"

/* Runs a statement in the present mode, with or without a wait for the disk. */
static bool store_step(struct query *query) {
    while (query_next(query)) {
    }
    return query_close(query);
}

/* Sets whether a commit waits for the disk. The mode cannot change inside a transaction, and a
 * change costs as much as preparing a statement, so it stays until the other one is needed. */
static bool store_sync(struct store *store, bool fast, struct err *err) {
    if (store->fast == fast) {
        return true;
    }
    struct query query =
        query_open(store, fast ? "PRAGMA synchronous=NORMAL" : "PRAGMA synchronous=FULL", err);
    if (!store_step(&query)) {
        return false;
    }
    store->fast = fast;
    return true;
}

bool store_run(struct query *query) {
    struct store *store = query->store;
    /* A change outside of a transaction waits for the disk. */
    bool alone = store->fast && !query->failed && sqlite3_get_autocommit(store->db) &&
                 !sqlite3_stmt_readonly(query->statement);
    if (alone && !store_sync(store, false, query->err)) {
        query_fail(query);
    }
    return store_step(query);
}

static bool store_begin_as(struct store *store, bool fast, struct err *err) {
    if (!store_sync(store, fast, err) || !store_take_turn(store, err)) {
        return false;
    }
    struct query query = query_open(store, "BEGIN IMMEDIATE", err);
    if (!store_step(&query)) {
        store_end_turn(store);
        return false;
    }
    return true;
}

bool store_begin(struct store *store, struct err *err) {
    return store_begin_as(store, false, err);
}

bool store_begin_fast(struct store *store, struct err *err) {
    return store_begin_as(store, true, err);
}

void store_rollback(struct store *store) {
    if (!sqlite3_get_autocommit(store->db)) {
        struct query query = query_open(store, "ROLLBACK", NULL);
        (void)!store_step(&query);
    }
    store_end_turn(store);
}

bool store_commit(struct store *store, struct err *err) {
    struct query query = query_open(store, "COMMIT", err);
    if (store_step(&query)) {
        store_end_turn(store);
        return true;
    }
    store_rollback(store);
    return false;
}

bool store_end(struct store *store, bool good, struct err *err) {
    if (good) {
        return store_commit(store, err);
    }
    store_rollback(store);
    return false;
}

bool store_snapshot(struct store *store, struct err *err) {
    struct query query = query_open(store, "BEGIN", err);
    return store_step(&query);
}

void store_snapshot_end(struct store *store) {
    store_rollback(store);
}

bool store_exec(struct store *store, const char *sql, struct err *err) {
    return sqlite3_exec(store->db, sql, NULL, NULL, NULL) == SQLITE_OK ||
           query_error(store, "write", err);
}
