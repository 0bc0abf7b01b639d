/* How values of the configuration are read: the rows of its tables, and the readers that rows name.
 * For the config_*.c files only; everybody else sees agent/config/config.h. */
#ifndef LANDWAITER_AGENT_CONFIG_VALUE_H
#define LANDWAITER_AGENT_CONFIG_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/config/config.h"
#include "agent/model/settings.h"
#include "base/yaml.h"

/* Bytes; 128 bits when they are random. A shorter secret is warned of. */
#define CONFIG_SECRET_SHORT 16

/* Collects faults while a file is read. Starts as {0}. Holds all it can, so that no fault is lost
 * for want of memory while reading. */
struct config_reader {
    struct config_fault items[CONFIG_FAULTS_MAX];
    size_t count;
    bool fatal;                       /* a fault that is not a warning was found, kept or not */
    bool looks;                       /* config_look */
    const struct config_row *only_of; /* NULL, or the map of which only these keys are read */
    const char *const *only;          /* ends with NULL */
};

/* Where a fault is. {0, 0}: about no place in the file. */
struct config_place {
    int line, column;
    bool warning;
};
struct config_place config_at(const struct yaml_node *value);
struct config_place config_at_key(const struct yaml_key *key);
struct config_place config_warning_at(const struct yaml_node *value);

/* Adds a fault: what is wrong, and what to write instead. Never quote what may be a secret. Control
 * bytes become '?'. Over CONFIG_FAULTS_MAX it only counts. */
void config_fault_add(struct config_reader *reader, struct config_place place, const char *format,
                      ...) PRINTF_LIKE(3, 4);
/* Gives the faults out, sorted by place. True: nothing fatal was found. */
bool config_reader_finish(struct config_reader *reader, struct config_faults *out) MUST_USE;

struct config_row;

/* One value that a row is to read. `out` is the struct that the row's table fills. */
struct config_value {
    struct config_reader *reader;
    const struct config_row *row;
    const struct yaml_node *node;
    void *out;
};

/* A key of the configuration. A row adds the key, its validation and its documentation. */
struct config_row {
    const char *key; /* NULL ends a table */
    /* What may be written, for people; and one sentence for the reference. A row of a setting that
     * has none takes those of settings_table: config_row_type, config_row_meaning. */
    const char *type, *meaning;
    const char *preset; /* the default, for the reference; NULL: none */
    /* In interface.md and not in this version: writing it is a fault, because what it asks for
     * would not happen. Such a row needs only key and meaning. */
    bool later;
    bool early;           /* is read before its neighbours, which need it */
    const char *required; /* not NULL: must be there; what to write where it is missing */
    void (*read)(const struct config_value *value);
    size_t offset; /* of the member that the reader fills */

    /* What the readers below need, each its own. */
    const struct config_row *rows;                                      /* map, lists of maps */
    bool (*check)(const char *text, struct err *err);                   /* text; may be NULL */
    int64_t min, max;                                                   /* duration in ms, number */
    const char *const *choices;                                         /* choice; ends with NULL */
    enum settings_key setting;                                          /* setting */
    bool (*check_secret)(const struct secret *secret, struct err *err); /* secrets; may be NULL */
};

const char *config_row_type(const struct config_row *row);
const char *config_row_meaning(const struct config_row *row);

/* The member at the row's offset, as a pointer to TYPE. */
#define CONFIG_MEMBER(value, TYPE) ((TYPE *)(void *)((char *)(value)->out + (value)->row->offset))

/* Readers for rows. On a fault they report it and leave the member as it was. */
void config_read_text(const struct config_value *value);     /* char *, freed before it is set */
void config_read_flag(const struct config_value *value);     /* bool */
void config_read_duration(const struct config_value *value); /* int64_t, ms */
void config_read_number(const struct config_value *value);   /* unsigned */
void config_read_secret(const struct config_value *value);   /* struct secret */
void config_read_choice(const struct config_value *value);   /* an enum in the choices' order */
void config_read_setting(const struct config_value *value);  /* struct settings */
void config_read_names(const struct config_value *value);    /* the same, from a list of names */
void config_read_map(const struct config_value *value);      /* `rows` over the same struct */

/* Parts for readers of their own. False: the fault is reported. */

/* "`KEY` has the wrong type: write WANTED", or that it has no value. Always false. */
bool config_fault_type(const struct config_value *value, const char *wanted);
/* Reads the members of a map into `out` by `rows`: unknown, unsupported and missing keys are
 * faults. False only when it is no map. */
bool config_members(const struct config_value *value) MUST_USE;
/* The scalar's text; NULL: it is none, or has no value. Borrowed. */
const char *config_text(const struct config_value *value);
/* The index in the row's choices, or -1. */
int config_choice(const struct config_value *value);
/* One secret, {file: PATH}, {env: NAME}, {credential: NAME} or a literal, with a warning. A fault's
 * place is the value's. With the row's check_secret it is checked, and a short one is warned of. */
bool config_secret(const struct config_value *value, struct secret *out) MUST_USE;
/* A copy; a fault "out of memory" and NULL when there is none. */
char *config_copy(const struct config_value *value, const char *text);

#endif
