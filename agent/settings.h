/* The settings of one target: defaults, overridden key by key by its labels (interface.md sections
 * 2 and 3). One table of keys serves the configuration's `defaults`, the labels, `plan` and the
 * reference. */
#ifndef LANDWAITER_AGENT_SETTINGS_H
#define LANDWAITER_AGENT_SETTINGS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "policies/policy.h"

enum settings_source { SETTINGS_DEFAULT, SETTINGS_LABEL };

enum settings_key {
    SETTINGS_POLICY,
    SETTINGS_HEALTH_TIMEOUT,
    SETTINGS_SOAK,
    SETTINGS_ROLLBACK,
    SETTINGS_STOP_TIMEOUT,
    SETTINGS_KEYS,
};

struct settings {
    struct policy policy;
    int64_t health_timeout_ms; /* 120 s */
    int64_t soak_ms;           /* 10 s */
    bool rollback;             /* true */
    int64_t stop_timeout_ms;   /* -1: the container's own */
    enum settings_source sources[SETTINGS_KEYS];
    bool written[SETTINGS_KEYS]; /* somebody wrote it, in the configuration or on the target; else
                                    the built-in value */
};

void settings_init(struct settings *settings); /* built-in values */

struct settings_row {
    const char *key;  /* as in labels: "health-timeout" */
    const char *type; /* "duration", "true or false", … for the reference and errors */
    const char *description;
    bool (*parse)(const char *text, struct settings *out, struct err *err);
    json_t *(*show)(const struct settings *settings); /* new reference */
};
extern const struct settings_row settings_table[SETTINGS_KEYS];

/* Parses one value by the table. ERR_INVALID says what was expected. */
bool settings_set(struct settings *settings, enum settings_key key, const char *text,
                  struct err *err) MUST_USE;

/* What a target's labels say. labels: a JSON object of strings; prefix: "landwaiter.". Unknown keys
 * below the prefix are a fault too. */
struct settings_labels {
    enum { SETTINGS_ENABLE_UNSET, SETTINGS_ENABLE_TRUE, SETTINGS_ENABLE_FALSE } enable;
    char problem[256]; /* not empty: the target must be left alone; names every faulty label */
};
void settings_from_labels(const json_t *labels, const char *prefix, struct settings *in_out,
                          struct settings_labels *out);

/* {"policy": {"value": …, "source": "default"|"label"}, …}. New reference. */
json_t *settings_json(const struct settings *settings);

#endif
