/* Digests that were rolled back on a target. */
#include "agent/store/internal.h"

#include "base/clock.h"

bool store_rejected(struct store *store, const char *target, const char *digest,
                    int64_t *out_update) {
    sqlite3_stmt *statement = store_statement(store, STORE_SQL_REJECTED);
    if (!statement) {
        return false;
    }
    store_bind_text(statement, 1, target);
    store_bind_text(statement, 2, digest);
    bool found = sqlite3_step(statement) == SQLITE_ROW;
    if (found) {
        *out_update = sqlite3_column_int64(statement, 0);
    }
    (void)sqlite3_reset(statement);
    return found;
}

bool store_reject(struct store *store, const struct update *update, struct err *err) {
    sqlite3_stmt *statement = store_statement(store, STORE_SQL_REJECT);
    if (statement) {
        store_bind_text(statement, 1, update->target);
        store_bind_text(statement, 2, update->to);
        (void)sqlite3_bind_int64(statement, 3, update->id);
        (void)sqlite3_bind_int64(statement, 4, clock_now_ms());
    }
    return store_run(store, statement, err);
}

bool store_unreject(struct store *store, const char *target, const char *digest, struct err *err) {
    sqlite3_stmt *statement = store_statement(store, STORE_SQL_UNREJECT);
    if (statement) {
        store_bind_text(statement, 1, target);
        store_bind_text(statement, 2, digest);
    }
    return store_run(store, statement, err);
}
