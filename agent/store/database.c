/* One connection: statements, transactions, binding and reading. */
#include "agent/store/internal.h"

bool store_error(struct store *store, const char *what, struct err *err) {
    int code = sqlite3_extended_errcode(store->db);
    switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PROTOCOL:
        return err_set(err, ERR_TRANSIENT, "state database: %s: %s", what,
                       sqlite3_errmsg(store->db));
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
        return err_set(err, ERR_INVALID, "state database: %s: %s", what, sqlite3_errmsg(store->db));
    default:
        return err_set(err, ERR_BUG, "state database: %s: %s", what, sqlite3_errmsg(store->db));
    }
}

sqlite3_stmt *store_statement(struct store *store, enum store_statement which) {
    sqlite3_stmt **statement = &store->statements[which];
    if (!*statement &&
        sqlite3_prepare_v3(store->db, store_sql[which], -1, SQLITE_PREPARE_PERSISTENT, statement,
                           NULL) != SQLITE_OK) {
        return NULL;
    }
    (void)sqlite3_reset(*statement);
    (void)sqlite3_clear_bindings(*statement);
    return *statement;
}

static bool store_step(struct store *store, sqlite3_stmt *statement, struct err *err) {
    if (!statement) {
        return store_error(store, "prepare", err);
    }
    int code = SQLITE_ROW;
    while (code == SQLITE_ROW) {
        code = sqlite3_step(statement);
    }
    bool done = code == SQLITE_DONE;
    if (!done) {
        (void)store_error(store, "write", err);
    }
    (void)sqlite3_reset(statement);
    return done;
}

/* Whether a commit waits for the disk. It cannot change inside a transaction, and costs as much as
 * preparing a statement: it stays until the other is asked for. */
static bool store_sync(struct store *store, bool fast, struct err *err) {
    enum store_statement which = fast ? STORE_SQL_SYNC_NORMAL : STORE_SQL_SYNC_FULL;
    if (store->fast != fast && !store_step(store, store_statement(store, which), err)) {
        return false;
    }
    store->fast = fast;
    return true;
}

bool store_run(struct store *store, sqlite3_stmt *statement, struct err *err) {
    /* A change that is a transaction of its own is on the disk when it is done. */
    bool alone = statement && store->fast && sqlite3_get_autocommit(store->db) &&
                 !sqlite3_stmt_readonly(statement);
    return (!alone || store_sync(store, false, err)) && store_step(store, statement, err);
}

static bool store_begin_as(struct store *store, bool fast, struct err *err) {
    if (!store_sync(store, fast, err) || !store_take_turn(store, err)) {
        return false;
    }
    if (!store_step(store, store_statement(store, STORE_SQL_BEGIN), err)) {
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
    struct err ignored = ERR_INIT;
    if (!sqlite3_get_autocommit(store->db)) {
        (void)!store_run(store, store_statement(store, STORE_SQL_ROLLBACK), &ignored);
    }
    store_end_turn(store);
}

bool store_commit(struct store *store, struct err *err) {
    if (store_run(store, store_statement(store, STORE_SQL_COMMIT), err)) {
        store_end_turn(store);
        return true;
    }
    store_rollback(store);
    return false;
}

bool store_snapshot(struct store *store, struct err *err) {
    return store_run(store, store_statement(store, STORE_SQL_SNAPSHOT), err);
}

void store_snapshot_end(struct store *store) {
    store_rollback(store);
}

void store_bind_text(sqlite3_stmt *statement, int at, const char *text) {
    (void)sqlite3_bind_text(statement, at, text, -1, SQLITE_TRANSIENT);
}

void store_column_text(sqlite3_stmt *statement, int at, char *out, size_t size) {
    const unsigned char *text = sqlite3_column_text(statement, at);
    (void)snprintf(out, size, "%s", text ? (const char *)text : "");
}

bool store_exec(struct store *store, const char *sql, struct err *err) {
    if (sqlite3_exec(store->db, sql, NULL, NULL, NULL) != SQLITE_OK) {
        return store_error(store, "set up", err);
    }
    return true;
}
