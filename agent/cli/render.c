/* Formats answers. Decides nothing, and sends no request. */
#include "agent/cli/render.h"

#include <string.h>

#include "base/unicode.h"

#define UTF8_MAX 4 /* bytes of a character */

/* The length of the character at `text`. hostile: a terminal must not get it. */
static size_t character(const char *text, bool *hostile) {
    uint32_t point = 0;
    const size_t len = unicode_decode((const unsigned char *)text, strnlen(text, UTF8_MAX), &point);
    *hostile = len == 0 || unicode_unprintable(point);
    return len > 0 ? len : 1;
}

void render_text(const char *text, FILE *out) {
    const char *at = text && *text ? text : "-";
    while (*at) {
        bool hostile = false;
        const size_t len = character(at, &hostile);
        if (hostile) {
            (void)fputc('?', out);
        } else {
            (void)fwrite(at, 1, len, out);
        }
        at += len;
    }
}

/* Counts characters as render_text shows them, each one cell wide. */
static size_t width(const char *text) {
    size_t count = 0;
    bool hostile = false;
    for (const char *at = text; *at; at += character(at, &hostile)) {
        count++;
    }
    return count;
}

void render_table_release(struct render_table *table) {
    buf_release(&table->cells);
    table->count = 0;
}

void render_cell(struct render_table *table, const char *text) {
    buf_puts(&table->cells, text && *text ? text : "-");
    buf_putc(&table->cells, '\0');
    table->count++;
}

bool render_table_print(const struct render_table *table, const char *indent, FILE *out) {
    if (table->cells.overflow) {
        return false;
    }
    size_t widths[RENDER_COLUMNS_MAX] = {0};
    const char *cell = buf_text(&table->cells);
    for (size_t i = 0; i < table->count; i++, cell += strlen(cell) + 1) {
        size_t column = i % table->columns;
        size_t cell_width = width(cell);
        widths[column] = cell_width > widths[column] ? cell_width : widths[column];
    }
    cell = buf_text(&table->cells);
    for (size_t i = 0; i < table->count; i++, cell += strlen(cell) + 1) {
        size_t column = i % table->columns;
        (void)fputs(column == 0 ? indent : "  ", out);
        render_text(cell, out);
        if (column + 1 == table->columns) {
            (void)fputc('\n', out);
        } else {
            (void)fprintf(out, "%*s", (int)(widths[column] - width(cell)), "");
        }
    }
    return true;
}

const char *render_digest(const char *digest, char out[RENDER_DIGEST_SIZE]) {
    (void)snprintf(out, RENDER_DIGEST_SIZE, "%.19s", digest && *digest ? digest : "-");
    return out;
}

const char *render_time(const char *time, int64_t relative_to_ms, char out[RENDER_TIME_SIZE]) {
    int64_t at = 0;
    if (!time || relative_to_ms == 0 || !clock_parse(time, &at)) {
        (void)snprintf(out, RENDER_TIME_SIZE, "%s", time && *time ? time : "-");
        return out;
    }
    char text[CLOCK_TEXT_SIZE];
    int64_t distance = at - relative_to_ms;
    if (distance >= 1000) {
        (void)snprintf(out, RENDER_TIME_SIZE, "in %s",
                       clock_duration_text(distance - distance % 1000, text));
    } else if (distance > -1000) {
        (void)snprintf(out, RENDER_TIME_SIZE, "now");
    } else {
        (void)snprintf(out, RENDER_TIME_SIZE, "%s ago",
                       clock_duration_text(-distance - -distance % 1000, text));
    }
    return out;
}

void render_json(const json_t *document, bool terminal, FILE *out) {
    size_t flags = JSON_INDENT(2) | JSON_ENCODE_ANY | (terminal ? JSON_ENSURE_ASCII : 0);
    (void)json_dumpf(document, out, flags);
    (void)fputc('\n', out);
}
