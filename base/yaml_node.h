/* A YAML tree while it is being built; for base/yaml*.c only. A function that fails has filled the
 * builder's fault. */
#ifndef LANDWAITER_BASE_YAML_NODE_H
#define LANDWAITER_BASE_YAML_NODE_H

#include <stdint.h>
#include <yaml.h>

#include "base/yaml.h"

#define YAML_DEPTH_MAX 32
#define YAML_ANCHORS_MAX 1000

struct yaml_anchor {
    char *name;
    const struct yaml_node *node; /* NULL while the node is being built */
};

struct yaml_builder {
    yaml_parser_t parser;
    struct yaml_fault *fault;
    int depth; /* of open collections */
    size_t nodes;
    size_t text; /* bytes in all scalars and keys */
    struct yaml_anchor anchors[YAML_ANCHORS_MAX];
    size_t anchor_count;
    /* A list of the values of merge keys. They are not in the tree, but anchors may point into
     * them. */
    struct yaml_node *retired;
};

static inline int yaml_line(yaml_mark_t mark) {
    return (int)mark.line + 1;
}

static inline int yaml_column(yaml_mark_t mark) {
    return (int)mark.column + 1;
}

/* Fills the fault; control bytes become '?'. Always false. */
bool yaml_fail(struct yaml_fault *fault, int line, int column, const char *format, ...)
    PRINTF_LIKE(4, 5);
bool yaml_fail_memory(struct yaml_builder *b);

/* An empty node, counted against YAML_NODES_MAX. line and column: of the fault if there are too
 * many. */
struct yaml_node *yaml_node_new(struct yaml_builder *b, enum yaml_kind kind, int line, int column);
/* A copy with a closing zero, counted against the limit of text. */
char *yaml_text_new(struct yaml_builder *b, const char *bytes, size_t len);
/* Appends an item and takes it, also on failure. An item of NULL is a failure already reported. */
bool yaml_list_append(struct yaml_builder *b, struct yaml_node *list, struct yaml_node *item);
/* The same for a map; copies the key. */
bool yaml_map_append(struct yaml_builder *b, struct yaml_node *map, const struct yaml_key *key,
                     struct yaml_node *value);
/* A deep copy. depth: of the place where it will stand; at: the place of the alias, for the fault
 * of an expansion that grows too large. */
struct yaml_node *yaml_copy(struct yaml_builder *b, const struct yaml_node *from, int depth,
                            const struct yaml_key *at);

#endif
