/* Statements: prepares, binds and reads them. Knows no table. */
#include "agent/store/query.h"

#include "agent/store/internal.h"

bool query_error(struct store *store, const char *doing, struct err *err) {
    enum err_kind kind = ERR_BUG;
    switch (sqlite3_extended_errcode(store->db) & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PROTOCOL:
        kind = ERR_TRANSIENT;
        break;
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
        kind = ERR_INVALID;
        break;
    default:
        break;
    }
    return err_set(err, kind, "state database: %s: %s", doing, sqlite3_errmsg(store->db));
}

/* ---- the cache ---- */

/* The statement's place in the cache; NULL: the cache is full. */
static sqlite3_stmt **query_place(struct query_cache *cache, const char *sql) {
    /* Multiplicative hashing: the upper bits of the product depend on all bits of the address. */
    size_t at = (size_t)((uint64_t)(uintptr_t)sql * UINT64_C(0x9e3779b97f4a7c15) >> 32);
    for (size_t i = 0; i < QUERY_CACHE_SIZE; i++) {
        size_t slot = (at + i) % QUERY_CACHE_SIZE;
        if (!cache->slots[slot].sql || cache->slots[slot].sql == sql) {
            cache->slots[slot].sql = sql;
            return &cache->slots[slot].statement;
        }
    }
    return NULL;
}

void query_cache_clear(struct query_cache *cache) {
    for (size_t i = 0; i < QUERY_CACHE_SIZE; i++) {
        (void)sqlite3_finalize(cache->slots[i].statement);
    }
    *cache = (struct query_cache){0};
}

struct query query_open(struct store *store, const char *sql, struct err *err) {
    struct query query = {.store = store, .err = err};
    sqlite3_stmt **place = query_place(&store->statements, sql);
    if (!place) {
        query.failed = true;
        (void)err_set(err, ERR_BUG, "state database: the cache of statements is full");
        return query;
    }
    if (!*place && sqlite3_prepare_v3(store->db, sql, -1, SQLITE_PREPARE_PERSISTENT, place, NULL) !=
                       SQLITE_OK) {
        query.failed = true;
        (void)query_error(store, "prepare", err);
        return query;
    }
    query.statement = *place;
    (void)sqlite3_reset(query.statement);
    (void)sqlite3_clear_bindings(query.statement);
    return query;
}

/* ---- binding ---- */

/* 0: nothing is to be bound. */
static int query_parameter(struct query *query, const char *name) {
    if (query->failed) {
        return 0;
    }
    /* Mostly the next parameter: then this compares only one name. */
    int at = query->parameter + 1;
    const char *next = sqlite3_bind_parameter_name(query->statement, at);
    if (!next || strcmp(next, name) != 0) {
        at = sqlite3_bind_parameter_index(query->statement, name);
    }
    query->parameter = at;
    if (at == 0) {
        query_fail(query);
        (void)err_set(query->err, ERR_BUG, "state database: a statement has no parameter %s", name);
    }
    return at;
}

static void query_bound(struct query *query, int code) {
    if (code != SQLITE_OK) {
        query_fail(query);
        (void)query_error(query->store, "bind", query->err);
    }
}

void query_bind_int(struct query *query, const char *name, int64_t value) {
    int at = query_parameter(query, name);
    if (at > 0) {
        query_bound(query, sqlite3_bind_int64(query->statement, at, value));
    }
}

void query_bind_text(struct query *query, const char *name, const char *text) {
    int at = query_parameter(query, name);
    if (at > 0) {
        query_bound(query, sqlite3_bind_text(query->statement, at, text, -1, SQLITE_TRANSIENT));
    }
}

void query_bind_static(struct query *query, const char *name, const char *text) {
    int at = query_parameter(query, name);
    if (at > 0) {
        query_bound(query, sqlite3_bind_text(query->statement, at, text, -1, SQLITE_STATIC));
    }
}

void query_bind_bytes(struct query *query, const char *name, const void *bytes, size_t len) {
    int at = query_parameter(query, name);
    if (at > 0) {
        query_bound(query, sqlite3_bind_blob64(query->statement, at, bytes, len, SQLITE_STATIC));
    }
}

/* ---- reading ---- */

bool query_next(struct query *query) {
    if (query->failed) {
        return false;
    }
    int code = sqlite3_step(query->statement);
    query->column = 0;
    query->row = code == SQLITE_ROW;
    if (code != SQLITE_ROW && code != SQLITE_DONE) {
        query_fail(query);
        (void)query_error(query->store, sqlite3_stmt_readonly(query->statement) ? "read" : "write",
                          query->err);
    }
    return query->row;
}

/* -1: nothing is to be read. */
static int query_column(struct query *query, const char *name) {
    if (!query->row) {
        return -1;
    }
    int count = sqlite3_column_count(query->statement);
    for (int i = 0; i < count; i++) {
        int at = (query->column + i) % count;
        if (strcmp(sqlite3_column_name(query->statement, at), name) == 0) {
            query->column = at + 1;
            return at;
        }
    }
    query_fail(query);
    (void)err_set(query->err, ERR_BUG, "state database: a statement has no column %s", name);
    return -1;
}

int64_t query_int(struct query *query, const char *name) {
    int at = query_column(query, name);
    return at < 0 ? 0 : sqlite3_column_int64(query->statement, at);
}

bool query_is_null(struct query *query, const char *name) {
    int at = query_column(query, name);
    return at < 0 || sqlite3_column_type(query->statement, at) == SQLITE_NULL;
}

const char *query_borrow_text(struct query *query, const char *name) {
    int at = query_column(query, name);
    return at < 0 ? NULL : (const char *)sqlite3_column_text(query->statement, at);
}

void query_text(struct query *query, const char *name, char *out, size_t size) {
    const char *text = query_borrow_text(query, name);
    (void)snprintf(out, size, "%s", text ? text : "");
}

const void *query_borrow_bytes(struct query *query, const char *name, size_t *len) {
    int at = query_column(query, name);
    const void *bytes = at < 0 ? NULL : sqlite3_column_blob(query->statement, at);
    *len = bytes ? (size_t)sqlite3_column_bytes(query->statement, at) : 0;
    return bytes;
}

bool query_sha256(struct query *query, const char *name, unsigned char out[DIGEST_BYTES]) {
    size_t len = 0;
    const void *bytes = query_borrow_bytes(query, name, &len);
    if (!bytes || len != DIGEST_BYTES) {
        return false;
    }
    memcpy(out, bytes, DIGEST_BYTES);
    return true;
}

/* ---- ending ---- */

void query_fail(struct query *query) {
    query->failed = true;
    query->row = false;
}

bool query_close(struct query *query) {
    (void)sqlite3_reset(query->statement);
    query->statement = NULL;
    query->row = false;
    return !query->failed;
}

bool query_number(struct query *query, int64_t *out) {
    bool found = query_next(query);
    int64_t number = query_int(query, "number");
    bool good = query_close(query) && found;
    *out = good ? number : *out;
    return good;
}
