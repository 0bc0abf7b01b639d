/* The reference of all keys, labels and payload formats, generated from their tables. Knows no key
 * by name. */
#include "agent/config/keys.h"
#include "webhook/sources/table.h"

/* The path of a table in the file: "senders[].auth.". */
#define REFERENCE_PATH_MAX 120

static const char *infix(const struct config_row *row) {
    return row->infix ? row->infix : "";
}

static void put_cell(struct buf *out, const char *text) {
    buf_putc(out, ' ');
    for (; *text; text++) {
        if (*text == '|') {
            buf_putc(out, '\\');
        }
        buf_putc(out, *text);
    }
    buf_puts(out, " |");
}

static void put_row(struct buf *out, const char *path, const struct config_row *row) {
    buf_printf(out, "| `%s%s` |", path, row->key);
    put_cell(out, config_row_type(row));
    put_cell(out, row->required ? "required" : row->preset ? row->preset : "–");
    put_cell(out, config_row_meaning(row));
    buf_putc(out, '\n');
}

/* Recursion is as deep as the table of keys: at most four. */
static void put_rows(struct buf *out, const char *path, const struct config_row *rows) {
    for (const struct config_row *row = rows; row->key; row++) {
        if (row->later) {
            continue;
        }
        put_row(out, path, row);
        if (row->rows) {
            char below[REFERENCE_PATH_MAX];
            (void)snprintf(below, sizeof below, "%s%s%s.", path, row->key, infix(row));
            put_rows(out, below, row->rows);
        }
    }
}

static void put_later(struct buf *out, const char *path, const struct config_row *rows) {
    for (const struct config_row *row = rows; row->key; row++) {
        char below[REFERENCE_PATH_MAX];
        (void)snprintf(below, sizeof below, "%s%s%s.", path, row->key, infix(row));
        if (row->later) {
            buf_printf(out, "| `%s%s` | %s |\n", path, row->key, row->meaning);
        } else if (row->rows) {
            put_later(out, below, row->rows);
        }
    }
}

static void put_labels(struct buf *out) {
    buf_puts(
        out,
        "\n## Labels\n\nOn a container, `landwaiter.KEY` overrides rules and `defaults` key by "
        "key. A container with a wrong\nor unknown label is left alone.\n\n"
        "| label | type | meaning |\n| --- | --- | --- |\n"
        "| `landwaiter.enable` | true or false | may it be updated? |\n");
    for (size_t i = 0; i < SETTINGS_KEYS; i++) {
        if (!settings_table[i].label) {
            continue;
        }
        buf_printf(out, "| `landwaiter.%s` |", settings_table[i].label);
        put_cell(out, settings_table[i].type);
        put_cell(out, settings_table[i].description);
        buf_putc(out, '\n');
    }
}

void config_reference(struct buf *out) {
    buf_puts(out, "## Keys\n\n| key | type | default | meaning |\n| --- | --- | --- | --- |\n");
    put_rows(out, "", config_root.rows);
    buf_puts(out, "\n## Payload formats\n\n| `format` | payload |\n| --- | --- |\n");
    for (const struct source *source = source_table; source->name; source++) {
        buf_printf(out, "| `%s` |", source->name);
        put_cell(out, source->description);
        buf_putc(out, '\n');
    }
    put_labels(out);
    buf_puts(out, "\n## Not supported by this version yet\n\nEach of these keys is a fault, "
                  "because it would have no effect.\n\n| key | meaning |\n| --- | --- |\n");
    put_later(out, "", config_root.rows);
}
