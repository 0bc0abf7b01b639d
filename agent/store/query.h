/* One run of one SQL statement. Parameters are bound and columns are read by their names. After the
 * first failure all further calls do nothing, and the last one reports it:
 *
 *     struct query query = query_open(store, "SELECT id FROM updates WHERE push = :push", err);
 *     query_bind_int(&query, ":push", push);
 *     while (query_next(&query)) {
 *         list_add(list, query_int(&query, "id"));
 *     }
 *     return query_close(&query);
 *
 * A statement that writes is run with store_run (internal.h). Each query_open needs exactly one of
 * query_close, query_number, and store_run; the same statement cannot run twice at once. */
#ifndef LANDWAITER_AGENT_STORE_QUERY_H
#define LANDWAITER_AGENT_STORE_QUERY_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/err.h"

struct store;

/* The prepared statements of a connection, by the addresses of their texts; all zero at first. */
#define QUERY_CACHE_SIZE 256 /* a power of two, and at least twice the number of statements */
struct query_cache {
    struct {
        const char *sql;
        sqlite3_stmt *statement;
    } slots[QUERY_CACHE_SIZE];
};
void query_cache_clear(struct query_cache *cache);

struct query {
    struct store *store;
    struct err *err; /* the caller's: set by the first failure */
    sqlite3_stmt *statement;
    int parameter;    /* index of the last bound parameter */
    int column;       /* index after the last read column: mostly the next one wanted */
    bool row, failed; /* it has a row; something failed */
};

/* sql must be a literal or a static text: it is prepared once for each connection. */
struct query query_open(struct store *store, const char *sql, struct err *err) MUST_USE;

/* name: with its colon. NULL binds NULL. Texts are copied; bytes must stay until the query ends. */
void query_bind_int(struct query *query, const char *name, int64_t value);
void query_bind_text(struct query *query, const char *name, const char *text);
/* The same without a copy: the text must stay until the query ends. */
void query_bind_static(struct query *query, const char *name, const char *text);
void query_bind_bytes(struct query *query, const char *name, const void *bytes, size_t len);

/* Goes to the next row. False: there is none, or something failed. */
bool query_next(struct query *query) MUST_USE;

/* Columns of the row. An expression needs a name (AS). NULL reads as 0, "", and NULL. */
int64_t query_int(struct query *query, const char *name);
bool query_is_null(struct query *query, const char *name);
/* Cut to its size. */
void query_text(struct query *query, const char *name, char *out, size_t size);
/* Both are borrowed from the database, until the next query_next, query_close, or read of the
 * column. */
const char *query_borrow_text(struct query *query, const char *name);
const void *query_borrow_bytes(struct query *query, const char *name, size_t *len);
/* False: it holds anything but a SHA-256; out is untouched. */
bool query_sha256(struct query *query, const char *name, unsigned char out[DIGEST_BYTES]) MUST_USE;

/* Fails the query: the caller cannot use the row, and has set err. */
void query_fail(struct query *query);
/* False: something failed since query_open. */
bool query_close(struct query *query) MUST_USE;
/* Reads the column `number` of the first row, and closes. False: no row (err is untouched), or
 * something failed; *out is untouched. */
bool query_number(struct query *query, int64_t *out) MUST_USE;

/* Sets the database's last error. Returns false. */
bool query_error(struct store *store, const char *doing, struct err *err);

#endif
