/* Readers of single values, the rows of keys that name them, and the list of faults. For the files
 * of agent/config only; everybody else includes agent/config/config.h. */
#ifndef LANDWAITER_AGENT_CONFIG_VALUE_H
#define LANDWAITER_AGENT_CONFIG_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/config/config.h"
#include "agent/model/settings.h"
#include "base/yaml.h"

/* Bytes: 128 bits if they are random. A shorter secret gets a warning. */
#define CONFIG_SECRET_SHORT 16

/* Collects faults while a file is read. Starts as {0}. Has a fixed size, so that no fault is lost
 * when memory is short. */
struct config_reader {
    struct config_fault items[CONFIG_FAULTS_MAX];
    size_t count;
    bool fatal;                       /* found a fault that is not a warning, kept or not */
    bool check_only;                  /* config_check */
    const struct config_row *only_of; /* NULL, or the map of which to read only these keys */
    const char *const *only;          /* ends with NULL */
};

/* The place of a fault. CONFIG_NOWHERE: no place in the file. */
struct config_place {
    int line, column;
    bool warning;
};
#define CONFIG_NOWHERE ((struct config_place){0, 0, false})
struct config_place config_at(const struct yaml_node *value); /* NULL: nowhere */
struct config_place config_at_key(const struct yaml_key *key);
struct config_place config_warning_at(const struct yaml_node *value);

/* Adds a fault: the mistake, and the text to write instead. Never quote a possible secret. Control
 * bytes become '?'. Beyond CONFIG_FAULTS_MAX, only the first fatal fault is still kept. */
void config_fault_add(struct config_reader *reader, struct config_place place, const char *format,
                      ...) PRINTF_LIKE(3, 4);
/* Hands over the faults, sorted by place. True: none is fatal. */
bool config_reader_finish(struct config_reader *reader, struct config_faults *out) MUST_USE;

struct config_row;

/* A value for a row to read. out: the struct that the row's table fills. */
struct config_value {
    struct config_reader *reader;
    const struct config_row *row;
    const struct yaml_node *node;
    void *out;
};

/* A key of the configuration. A row adds the key, its validation and its documentation. */
struct config_row {
    const char *key; /* NULL ends a table */
    /* For people: the values allowed, and one sentence for the reference. A setting's row without
     * them takes those of settings_table: config_row_type, config_row_meaning. */
    const char *type, *meaning;
    const char *preset; /* the default, for the reference; NULL: none */
    /* Specified in interface.md but not implemented: the key is a fault. Such a row needs only key
     * and meaning. */
    bool later;
    bool early;           /* read it before its neighbours, which need it */
    const char *required; /* not NULL: a required key, and the text to suggest if it is missing */
    void (*read)(const struct config_value *value);
    size_t offset; /* of the member that the reader fills */
    /* Stands in the reference between the key and those of `rows`: CONFIG_LIST, CONFIG_NAMED; NULL:
     * nothing. */
    const char *infix;

    /* Parameters of the readers below. */
    const struct config_row *rows;                                      /* map, lists of maps */
    bool (*check)(const char *text, struct err *err);                   /* text; may be NULL */
    int64_t min, max;                                                   /* duration in ms, number */
    const char *const *choices;                                         /* choice; ends with NULL */
    enum settings_key setting;                                          /* setting */
    bool (*check_secret)(const struct secret *secret, struct err *err); /* secrets; may be NULL */
};

const char *config_row_type(const struct config_row *row);
const char *config_row_meaning(const struct config_row *row);

/* Parts of a row. */
#define CONFIG_END                                                                                 \
    { .key = NULL }
#define CONFIG_LATER(name, text)                                                                   \
    { .key = (name), .meaning = (text), .later = true }
#define CONFIG_OF(type, member) .offset = offsetof(struct type, member)
#define CONFIG_LIST "[]"
#define CONFIG_NAMED ".NAME"
#define CONFIG_SECRET_TYPE "secret: {file: PATH}, {env: NAME} or {credential: NAME}"
#define CONFIG_SECRETS_TYPE CONFIG_SECRET_TYPE ", or a list of them"
#define CONFIG_SECRET_MISSING "secret: {file: PATH}"

/* The member at the row's offset, as a pointer to TYPE. */
#define CONFIG_MEMBER(value, TYPE) ((TYPE *)(void *)((char *)(value)->out + (value)->row->offset))

/* Readers for rows. On a fault they report it and leave the member unchanged. */
void config_read_text(const struct config_value *value);     /* char *, freed before it is set */
void config_read_flag(const struct config_value *value);     /* bool */
void config_read_duration(const struct config_value *value); /* int64_t, ms */
void config_read_size(const struct config_value *value);     /* int64_t, bytes */
void config_read_number(const struct config_value *value);   /* unsigned */
void config_read_secret(const struct config_value *value);   /* struct secret */
void config_read_choice(const struct config_value *value);   /* an enum in the choices' order */
void config_read_either(const struct config_value *value);   /* bool: the second of two choices? */
void config_read_setting(const struct config_value *value);  /* struct settings */
void config_read_names(const struct config_value *value);    /* the same, from a list of names */
void config_read_map(const struct config_value *value);      /* `rows` over the same struct */

/* Parts for readers of sections. False: the fault is reported. */

/* Reports "`KEY` has the wrong type: write WANTED", or "has no value". Always false. */
bool config_fault_type(const struct config_value *value, const char *wanted);
/* Reads the members of a map into `out` by `rows`: unknown, unsupported and missing keys are
 * faults. False only if the value is no map. */
bool config_members(const struct config_value *value) MUST_USE;
/* The scalar's text, borrowed. NULL: no scalar, or one without a value. */
const char *config_text(const struct config_value *value);
/* Is it null, "~" or nothing? */
bool config_no_value(const struct yaml_node *node);
/* The index in the row's choices, or -1. */
int config_choice(const struct config_value *value);
/* Reads one secret: {file: PATH}, {env: NAME}, {credential: NAME}, or a literal with a warning. A
 * row with check_secret gets the secret checked, and a warning if it is short. */
bool config_secret(const struct config_value *value, struct secret *out) MUST_USE;
/* A copy. NULL: out of memory, reported. */
char *config_copy(const struct config_value *value, const char *text);

#endif
