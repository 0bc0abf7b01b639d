/* Hostile labels and annotations: each key of the table of settings with each hostile value, and
 * names that only resemble a key. */
#ifndef LANDWAITER_TESTS_AGENT_PLATFORMS_HOSTILE_H
#define LANDWAITER_TESTS_AGENT_PLATFORMS_HOSTILE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "agent/model/settings.h"
#include "base/buf.h"

/* As JSON. */
static const char *const hostile_values[] = {
    "\"\"",
    "\"\\u0000\"",
    "\"true\\u0000\"",
    "\"never\\u0000x\"",
    "\"24h\\u0000\"",
    "\"a,b\\u0000,c\"",
    "\"\xff\xfe\"",
    "\"\\ud800\"",
    "\"\\u202e%s%n../..;\\n\\r\\u001b[2J\"",
    "7",
    "null",
    "{\"a\": 1, \"a\": 2}",
    "DEEP", /* 5,000 arrays in each other */
    "1e999",
    "99999999999999999999",
    "LONG", /* a text of 9,000 characters */
    "MANY", /* an array of 60,000 objects */
};

static inline void hostile_value(const char *value, struct buf *out) {
    if (strcmp(value, "LONG") == 0) {
        buf_putc(out, '"');
        for (int i = 0; i < 9000; i++) {
            buf_putc(out, 'x');
        }
        buf_putc(out, '"');
    } else if (strcmp(value, "DEEP") == 0) {
        for (int i = 0; i < 10000; i++) {
            buf_putc(out, i < 5000 ? '[' : ']');
        }
    } else if (strcmp(value, "MANY") == 0) {
        buf_putc(out, '[');
        for (int i = 0; i < 60000; i++) {
            buf_puts(out, i ? ",{}" : "{}");
        }
        buf_putc(out, ']');
    } else {
        buf_puts(out, value);
    }
}

/* Calls each with every pair; key without its prefix. Returns the number. */
static inline size_t hostile_each(void (*each)(struct buf *out, const char *key, const char *value),
                                  struct buf *out) {
    static const char *const more[] = {"enable",        "pre-update",    "nonsense",
                                       "polic\\u0000y", "policy\\u0000", "\xff"};
    size_t count = 0;
    for (size_t i = 0; i < SETTINGS_KEYS + sizeof more / sizeof more[0]; i++) {
        const char *key = i < SETTINGS_KEYS ? settings_table[i].label : more[i - SETTINGS_KEYS];
        for (size_t v = 0; key && v < sizeof hostile_values / sizeof hostile_values[0]; v++) {
            each(out, key, hostile_values[v]);
            count++;
        }
    }
    return count;
}

#endif
