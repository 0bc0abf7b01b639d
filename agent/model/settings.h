/* The settings of one target: defaults, rules, and its labels, merged key by key (interface.md
 * sections 2 and 3). One table of keys serves the configuration's `defaults`, the labels, `plan`
 * and the reference. */
#ifndef LANDWAITER_AGENT_MODEL_SETTINGS_H
#define LANDWAITER_AGENT_MODEL_SETTINGS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "policies/policy.h"

#define SETTINGS_NAME_SIZE 64
#define SETTINGS_NAMES_MAX 16
#define SETTINGS_NOTICE_SIZE 256

enum settings_source_kind {
    SETTINGS_DEFAULT,
    SETTINGS_RULE,
    SETTINGS_LABEL,
    SETTINGS_ANNOTATION,
};
struct settings_source {
    enum settings_source_kind kind;
    unsigned rule; /* of SETTINGS_RULE: its place in `rules`, from 1 */
    bool written;  /* in the configuration or on the target; else the built-in value */
};

enum settings_key {
    SETTINGS_POLICY,
    SETTINGS_WINDOWS,
    SETTINGS_APPROVAL,
    SETTINGS_APPROVAL_EXPIRES,
    SETTINGS_HEALTH_TIMEOUT,
    SETTINGS_SOAK,
    SETTINGS_ROLLBACK,
    SETTINGS_GROUP,
    SETTINGS_DEPENDS_ON,
    SETTINGS_STOP_TIMEOUT,
    SETTINGS_MIN_FREE_MEMORY,
    SETTINGS_MANAGED,
    SETTINGS_KEYS,
};

struct settings_names {
    char items[SETTINGS_NAMES_MAX][SETTINGS_NAME_SIZE];
    size_t count;
};

/* A plain value. */
struct settings {
    struct policy policy;
    struct settings_names windows; /* none, or `always`: always open */
    bool approval_required;
    int64_t approval_expires_ms;      /* 7 d */
    int64_t health_timeout_ms;        /* 120 s */
    int64_t soak_ms;                  /* 10 s */
    bool rollback;                    /* true */
    char group[SETTINGS_NAME_SIZE];   /* "": none */
    struct settings_names depends_on; /* short names of targets, or names of groups */
    int64_t stop_timeout_ms;          /* -1: the container's own */
    int64_t min_free_memory;          /* bytes, 0: any */
    bool managed;                     /* Kubernetes: even if a GitOps tool or Helm manages it */
    struct settings_source sources[SETTINGS_KEYS];
};

void settings_init(struct settings *settings); /* built-in values */

struct settings_row {
    const char *key;   /* as in labels: "health-timeout" */
    const char *label; /* NULL: not a label, only in the configuration (approval_expires) */
    const char *type;  /* "duration", "true or false", … for the reference and errors */
    const char *description;
    bool (*parse)(const char *text, struct settings *out,
                  struct err *err);                   /* lists: comma separated */
    json_t *(*show)(const struct settings *settings); /* new reference */
};
extern const struct settings_row settings_table[SETTINGS_KEYS];

/* Parses one value by the table. ERR_INVALID says what was expected. */
bool settings_set(struct settings *settings, enum settings_key key, const char *text,
                  struct err *err) MUST_USE;
/* Copies one key's value and source. */
void settings_take(struct settings *to, const struct settings *from, enum settings_key key);

/* Is it a valid name of a window, a group or a target in a list: letters, digits, '-', '_' and '.',
 * beginning with a letter or digit? */
bool settings_name_valid(const char *name) MUST_USE;

/* How labels, or annotations, are read. */
struct settings_reading {
    const char *prefix;             /* "landwaiter.", "landwaiter.dev/" */
    enum settings_source_kind kind; /* SETTINGS_LABEL or SETTINGS_ANNOTATION */
    /* Further checks of a value that was just read; ERR_INVALID. NULL: none. */
    bool (*check)(const struct settings *settings, enum settings_key key, const void *context,
                  struct err *err);
    const void *context; /* for check; borrowed */
};

/* Reads a target's labels. labels: a JSON object of strings. An unknown key below the prefix is a
 * fault too. */
struct settings_labels {
    enum { SETTINGS_ENABLE_UNSET, SETTINGS_ENABLE_TRUE, SETTINGS_ENABLE_FALSE } enable;
    char problem[256];                 /* names each faulty label; "": there is none */
    char notice[SETTINGS_NOTICE_SIZE]; /* labels that ask for more than they may; "": none */
};
void settings_from_labels(const json_t *labels, const struct settings_reading *reading,
                          struct settings *in_out, struct settings_labels *out);

/* {"policy": {"value": …, "source": "default"|"rule 2"|"label"|"annotation"}, …}. New reference. */
json_t *settings_json(const struct settings *settings);

#endif
