/* Formats answers. Decides nothing, and sends no request. */
#include "agent/cli/render.h"

#include <string.h>

/* Characters that control a terminal: their common leading bytes, and the range of the last
 * byte. */
static const struct {
    unsigned char lead[2];
    size_t leading;
    unsigned char first, last;
} hostile_ranges[] = {
    {{0, 0}, 0, 0x01, 0x1F},       /* C0 */
    {{0, 0}, 0, 0x7F, 0x7F},       /* DEL */
    {{0xC2, 0}, 1, 0x80, 0x9F},    /* C1 */
    {{0xE2, 0x80}, 2, 0xA8, 0xAE}, /* U+2028 to U+202E: line ends and directions */
    {{0xE2, 0x81}, 2, 0xA6, 0xA9}, /* U+2066 to U+2069: directions */
};

/* The length of such a character at `text`; 0: none. */
static size_t hostile_bytes(const char *text) {
    for (size_t i = 0; i < ARRAY_LENGTH(hostile_ranges); i++) {
        size_t leading = hostile_ranges[i].leading;
        size_t same = 0;
        while (same < leading && (unsigned char)text[same] == hostile_ranges[i].lead[same]) {
            same++;
        }
        if (same < leading) {
            continue;
        }
        unsigned char byte = (unsigned char)text[leading];
        if (byte >= hostile_ranges[i].first && byte <= hostile_ranges[i].last) {
            return leading + 1;
        }
    }
    return 0;
}

void render_text(const char *text, FILE *out) {
    const char *at = text && *text ? text : "-";
    while (*at) {
        size_t hostile = hostile_bytes(at);
        (void)fputc(hostile > 0 ? '?' : *at, out);
        at += hostile > 0 ? hostile : 1;
    }
}

/* Counts characters as render_text shows them, each one cell wide. */
static size_t width(const char *text) {
    size_t count = 0;
    const char *at = text;
    while (*at) {
        size_t hostile = hostile_bytes(at);
        if (hostile > 0 || ((unsigned char)*at & 0xC0) != 0x80) {
            count++;
        }
        at += hostile > 0 ? hostile : 1;
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
