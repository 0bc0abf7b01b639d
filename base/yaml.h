/* YAML documents as a tree with line and column of each value, over libyaml's event parser.
 *
 * One document. Resolves anchors, aliases and `<<` merges, within limits; a duplicate key is an
 * error at its second place. Scalars keep their text and whether they were quoted. */
#ifndef LANDWAITER_BASE_YAML_H
#define LANDWAITER_BASE_YAML_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };

struct yaml_node {
    enum yaml_kind kind;
    int line, column;         /* from 1; of the value */
    bool plain;               /* a scalar without quotes */
    char *text;               /* scalar */
    struct yaml_node **items; /* list items, or map values */
    struct yaml_key *keys;    /* map keys, beside items */
    size_t count;
};

struct yaml_key {
    char *text;
    int line, column;
};

struct yaml_fault {
    int line, column; /* from 1 */
    char message[256];
};

#define YAML_SIZE_MAX 1048576 /* bytes */
#define YAML_NODES_MAX 100000

/* An empty document is an empty map. False: *fault says where and why. The caller frees *out. */
bool yaml_parse(const char *bytes, size_t len, struct yaml_node **out,
                struct yaml_fault *fault) MUST_USE;
/* Not yaml_free: libyaml exports that name, and our callers would call it instead. */
void yaml_node_free(struct yaml_node *node);
/* For CLEANUP. */
void yaml_release(struct yaml_node **node);

/* The value of a map's key, or NULL. */
const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key);

#endif
