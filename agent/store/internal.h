/* Shared by the files of the store only: the connection, its statements, and their binding and
 * reading. */
#ifndef LANDWAITER_AGENT_STORE_INTERNAL_H
#define LANDWAITER_AGENT_STORE_INTERNAL_H

#include <sqlite3.h>

#include "agent/store/store.h"

/* Every statement is prepared once for each connection, at its first use. */
enum store_statement {
    STORE_SQL_BEGIN,
    STORE_SQL_SNAPSHOT,
    STORE_SQL_COMMIT,
    STORE_SQL_ROLLBACK,
    STORE_SQL_SYNC_NORMAL,
    STORE_SQL_SYNC_FULL,
    STORE_SQL_PROBE,
    STORE_SQL_KEY_FIND,
    STORE_SQL_KEY_ADD,
    STORE_SQL_KEYS_PENDING,
    STORE_SQL_KEYS_THROUGH,
    STORE_SQL_PUSH_ADD,
    STORE_SQL_PUSH_FIND,
    STORE_SQL_PUSH_LIST,
    STORE_SQL_PUSH_FOLLOWERS,
    STORE_SQL_WAS_PUSHED,
    STORE_SQL_UNMATCHED,
    STORE_SQL_HAS_UNMATCHED,
    STORE_SQL_ARRIVED,
    STORE_SQL_ARRIVED_ALL,
    STORE_SQL_THROUGH,
    STORE_SQL_PLATFORM_BEGIN,
    STORE_SQL_PLATFORM_END,
    STORE_SQL_PLATFORM_THROUGH,
    STORE_SQL_PUSH_SUPERSEDE,
    STORE_SQL_UPDATE_ADD,
    STORE_SQL_UPDATE_MADE,
    STORE_SQL_UPDATE_SUPERSEDE,
    STORE_SQL_UPDATE_DUE,
    STORE_SQL_UPDATE_NEXT,
    STORE_SQL_UPDATE_FIND,
    STORE_SQL_UPDATE_LIST,
    STORE_SQL_UPDATE_OPEN,
    STORE_SQL_UPDATE_OF_PUSH,
    STORE_SQL_OPEN_OF_PUSH,
    STORE_SQL_PUSH_OPEN,
    STORE_SQL_OPEN_STAGES,
    STORE_SQL_OPEN_OTHERS,
    STORE_SQL_OPEN_OTHER,
    STORE_SQL_UPDATE_SAVE,
    STORE_SQL_AT_GATE,
    STORE_SQL_WAKE_GATE,
    STORE_SQL_HISTORY_ADD,
    STORE_SQL_HISTORY,
    STORE_SQL_REJECTED,
    STORE_SQL_REJECT,
    STORE_SQL_UNREJECT,
    STORE_SQL_HELD,
    STORE_SQL_HOLD,
    STORE_SQL_RELEASE,
    STORE_SQL_AUDIT_LAST,
    STORE_SQL_AUDIT_ADD,
    STORE_SQL_AUDIT_LIST,
    STORE_SQL_AUDIT_ALL,
    STORE_SQL_AUDIT_ENDS,
    STORE_SQL_PRUNE_HISTORY,
    STORE_SQL_PRUNE_UPDATES,
    STORE_SQL_PRUNE_PUSHES,
    STORE_SQL_PRUNE_HOLDS,
    STORE_SQL_PRUNE_AUDIT_BASE,
    STORE_SQL_PRUNE_AUDIT,
    STORE_SQL_PRUNE_REJECTED,
    STORE_SQL_COUNT,
};

struct store_keys; /* agent/store/keys.h */

struct store {
    sqlite3 *db;
    sqlite3_stmt *statements[STORE_SQL_COUNT];
    struct store_keys *keys; /* NULL until pushes are accepted */
    bool shared;             /* there are several replicas (store_share.h) */
    bool writing;            /* it holds the writers' turn */
    bool fast;               /* its next commit waits for no disk */
};

extern const char *const store_sql[STORE_SQL_COUNT];
#define STORE_BUSY_MS 10000 /* how long another connection's write is waited for */

/* Brings the schema to the newest version; refuses a newer one. */
bool store_migrate(struct store *store, struct err *err) MUST_USE;
/* Runs SQL that gives nothing back. */
bool store_exec(struct store *store, const char *sql, struct err *err) MUST_USE;
/* The writers' turn (turn.c): blocking, STORE_BUSY_MS at most. */
bool store_take_turn(struct store *store, struct err *err) MUST_USE;
void store_end_turn(struct store *store);

/* A statement that is reset and has no bindings; NULL when it cannot be prepared. */
sqlite3_stmt *store_statement(struct store *store, enum store_statement which);
/* Runs a statement that returns no rows, and resets it. A change outside of a transaction is on the
 * disk when it is done. */
bool store_run(struct store *store, sqlite3_stmt *statement, struct err *err) MUST_USE;
/* Writers of this process take turns: one that finds the database locked would sleep instead. Each
 * begin that is true needs a commit or a rollback. */
bool store_begin(struct store *store, struct err *err) MUST_USE;
/* Commits; when it cannot, rolls back. */
bool store_commit(struct store *store, struct err *err) MUST_USE;
void store_rollback(struct store *store);
/* The same for a change that need not be on the disk at once: it survives a crash of the process,
 * not of the machine. The end commits what is good, and is false when it could not or it is not. */
bool store_begin_fast(struct store *store, struct err *err) MUST_USE;
bool store_end_fast(struct store *store, bool good, struct err *err) MUST_USE;
/* Waits until all that this process has committed is on the disk. Many may wait at once, for the
 * price of one. */
bool store_flush(struct store *store, struct err *err) MUST_USE;
/* The database's own error as ours. Returns false. */
bool store_error(struct store *store, const char *what, struct err *err);

/* Binding and reading; "" and NULL text bind as given; out texts are cut to their size. */
void store_bind_text(sqlite3_stmt *statement, int at, const char *text);
void store_column_text(sqlite3_stmt *statement, int at, char *out, size_t size);

/* A history line of an update, and its entry in the audit trail, inside the caller's transaction.
 */
struct store_history_line {
    int64_t subject, at_ms;
    const char *stage, *event, *detail;
    const char *actor; /* NULL: landwaiter itself */
    const char *about; /* what the audit trail says in place of the detail; NULL: the detail */
};
bool store_history_add(struct store *store, const struct store_history_line *line,
                       struct err *err) MUST_USE;

/* An entry of the audit trail inside the caller's transaction. */
#define STORE_AUDIT_DETAIL_SIZE 1536
struct store_audit_entry {
    int64_t at_ms;
    const char *actor; /* NULL: landwaiter itself */
    const char *subject, *event, *detail;
};
bool store_audit_add(struct store *store, const struct store_audit_entry *entry,
                     struct err *err) MUST_USE;

#endif
