/* Pruning, in short transactions. */
#include "agent/store/internal.h"

#define STORE_PRUNE_BATCHES 200

static bool store_prune_batch(struct store *store, int64_t before_ms) {
    static const enum store_statement order[] = {
        STORE_SQL_PRUNE_HISTORY, STORE_SQL_PRUNE_UPDATES,    STORE_SQL_PRUNE_PUSHES,
        STORE_SQL_PRUNE_HOLDS,   STORE_SQL_PRUNE_AUDIT_BASE, STORE_SQL_PRUNE_AUDIT,
        STORE_SQL_PRUNE_REJECTED};
    struct err ignored = ERR_INIT;
    if (!store_begin(store, &ignored)) {
        return false;
    }
    int deleted = sqlite3_total_changes(store->db);
    for (size_t i = 0; i < ARRAY_LENGTH(order); i++) {
        sqlite3_stmt *statement = store_statement(store, order[i]);
        if (statement && sqlite3_bind_parameter_count(statement) > 0) {
            (void)sqlite3_bind_int64(statement, 1, before_ms);
        }
        if (!store_run(store, statement, &ignored)) {
            store_rollback(store);
            return false;
        }
    }
    deleted = sqlite3_total_changes(store->db) - deleted;
    return store_commit(store, &ignored) && deleted > 0;
}

void store_prune(struct store *store, int64_t before_ms) {
    for (int i = 0; i < STORE_PRUNE_BATCHES && store_prune_batch(store, before_ms); i++) {
    }
}
