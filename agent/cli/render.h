/* Output for people: tables, short digests, times; and JSON documents for scripts. Control
 * characters in an agent's answer never reach the terminal. */
#ifndef LANDWAITER_AGENT_CLI_RENDER_H
#define LANDWAITER_AGENT_CLI_RENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/own.h"

/* Writes text with '?' in place of control characters (C0, DEL, C1) and of those that change the
 * direction of writing. NULL and "" are "-". */
void render_text(const char *text, FILE *out);

/* A table that aligns its columns when printed. Copies the cells. */
struct render_table {
    size_t columns;   /* at most RENDER_COLUMNS_MAX */
    struct buf cells; /* row by row, each closed by a zero byte */
    size_t count;
};
#define RENDER_COLUMNS_MAX 12
#define RENDER_CELLS_MAX ((size_t)16 * 1024 * 1024) /* bytes */
#define RENDER_TABLE(column_count)                                                                 \
    { .columns = (column_count), .cells = BUF_INIT(RENDER_CELLS_MAX), .count = 0 }
void render_table_release(struct render_table *table);
/* Adds the next cell, to the right or at the start of the next row; NULL and "" are "-". */
void render_cell(struct render_table *table, const char *text);
/* Each line begins with `indent`. False: too much, or out of memory; prints nothing then. */
bool render_table_print(const struct render_table *table, const char *indent, FILE *out) MUST_USE;

/* "sha256:" and 12 digits of a digest; "-" for NULL; any other text cut to size. Returns out. */
#define RENDER_DIGEST_SIZE 24
const char *render_digest(const char *digest, char out[RENDER_DIGEST_SIZE]);

/* An RFC 3339 time, unchanged or, for a person at a terminal (relative_to_ms is not 0), as "3 min
 * ago" or "in 2 h". "-" for NULL. Returns out. */
#define RENDER_TIME_SIZE (CLOCK_TEXT_SIZE + 8)
const char *render_time(const char *time, int64_t relative_to_ms, char out[RENDER_TIME_SIZE]);

/* Prints the document, indented, with a line end. terminal: omits control characters. */
void render_json(const json_t *document, bool terminal, FILE *out);

#endif
