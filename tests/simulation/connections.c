/* Caches connections and prepared statements: making them costs more than a simulated second. Knows
 * no table. */
#include "tests/simulation/connections.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define CONNECTIONS 64
#define STATEMENTS 160

struct statement {
    char *sql; /* NULL ends the list */
    sqlite3_stmt *prepared;
    bool used;
};

struct connection {
    sqlite3 *db; /* NULL: none */
    bool used;
    char *name;
    struct statement statements[STATEMENTS];
};

static struct connection connections[CONNECTIONS];

int __real_sqlite3_open_v2(const char *name, sqlite3 **out, int flags, const char *vfs);
int __wrap_sqlite3_open_v2(const char *name, sqlite3 **out, int flags, const char *vfs);
int __real_sqlite3_close(sqlite3 *db);
int __wrap_sqlite3_close(sqlite3 *db);
int __real_sqlite3_prepare_v2(sqlite3 *db, const char *sql, int size, sqlite3_stmt **out,
                              const char **tail);
int __wrap_sqlite3_prepare_v2(sqlite3 *db, const char *sql, int size, sqlite3_stmt **out,
                              const char **tail);
int __wrap_sqlite3_prepare_v3(sqlite3 *db, const char *sql, int size, unsigned flags,
                              sqlite3_stmt **out, const char **tail);
int __real_sqlite3_finalize(sqlite3_stmt *prepared);
int __wrap_sqlite3_finalize(sqlite3_stmt *prepared);

static struct connection *connection_of(const sqlite3 *db) {
    for (size_t i = 0; db && i < CONNECTIONS; i++) {
        if (connections[i].db == db) {
            return &connections[i];
        }
    }
    return NULL;
}

int __wrap_sqlite3_open_v2(const char *name, sqlite3 **out, int flags, const char *vfs) {
    struct connection *unused = NULL;
    for (size_t i = 0; i < CONNECTIONS; i++) {
        struct connection *one = &connections[i];
        if (one->db && !one->used && strcmp(one->name, name) == 0) {
            one->used = true;
            *out = one->db;
            return SQLITE_OK;
        }
        unused = one->db || unused ? unused : one;
    }
    int code = __real_sqlite3_open_v2(name, out, flags, vfs);
    if (code == SQLITE_OK && unused) {
        *unused = (struct connection){.db = *out, .used = true, .name = strdup(name)};
    }
    return code;
}

static void statement_rest(struct statement *statement) {
    (void)sqlite3_reset(statement->prepared);
    (void)sqlite3_clear_bindings(statement->prepared);
    statement->used = false;
}

int __wrap_sqlite3_close(sqlite3 *db) {
    struct connection *connection = connection_of(db);
    if (!connection) {
        return __real_sqlite3_close(db);
    }
    for (size_t i = 0; i < STATEMENTS && connection->statements[i].sql; i++) {
        statement_rest(&connection->statements[i]);
    }
    if (!sqlite3_get_autocommit(db)) {
        (void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    }
    (void)sqlite3_wal_hook(db, NULL, NULL);
    connection->used = false;
    return SQLITE_OK;
}

int __wrap_sqlite3_prepare_v2(sqlite3 *db, const char *sql, int size, sqlite3_stmt **out,
                              const char **tail) {
    struct connection *connection = connection_of(db);
    if (!connection || tail || size >= 0) {
        return __real_sqlite3_prepare_v2(db, sql, size, out, tail);
    }
    size_t i = 0;
    for (; i < STATEMENTS && connection->statements[i].sql; i++) {
        struct statement *kept = &connection->statements[i];
        if (!kept->used && strcmp(kept->sql, sql) == 0) {
            kept->used = true;
            *out = kept->prepared;
            return SQLITE_OK;
        }
    }
    int code = __real_sqlite3_prepare_v2(db, sql, size, out, tail);
    if (code == SQLITE_OK && *out && i < STATEMENTS) {
        connection->statements[i] =
            (struct statement){.sql = strdup(sql), .prepared = *out, .used = true};
    }
    return code;
}

int __wrap_sqlite3_prepare_v3(sqlite3 *db, const char *sql, int size, unsigned flags,
                              sqlite3_stmt **out, const char **tail) {
    (void)flags; /* SQLITE_PREPARE_PERSISTENT is a hint */
    return __wrap_sqlite3_prepare_v2(db, sql, size, out, tail);
}

int __wrap_sqlite3_finalize(sqlite3_stmt *prepared) {
    struct connection *connection = connection_of(sqlite3_db_handle(prepared));
    for (size_t i = 0; connection && i < STATEMENTS && connection->statements[i].sql; i++) {
        if (connection->statements[i].prepared == prepared) {
            statement_rest(&connection->statements[i]);
            return SQLITE_OK;
        }
    }
    return __real_sqlite3_finalize(prepared);
}

void connections_end(void) {
    for (size_t i = 0; i < CONNECTIONS; i++) {
        struct connection *one = &connections[i];
        if (!one->db || one->used) {
            continue;
        }
        for (size_t k = 0; k < STATEMENTS && one->statements[k].sql; k++) {
            (void)__real_sqlite3_finalize(one->statements[k].prepared);
            free(one->statements[k].sql);
        }
        (void)__real_sqlite3_close(one->db);
        free(one->name);
        *one = (struct connection){.db = NULL};
    }
}
