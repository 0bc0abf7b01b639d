/* The nodes of a YAML tree: owns their memory and the limits on it. */
#include "base/yaml_node.h"

#include <stdarg.h>

/* Aliases copy, so the limit of nodes does not bound memory: each of them could copy one long
 * text. */
#define TEXT_MAX ((size_t)8 * YAML_SIZE_MAX)

void yaml_node_free(struct yaml_node *node) {
    if (!node) {
        return;
    }
    for (size_t i = 0; i < node->count; i++) {
        yaml_node_free(node->items[i]);
        if (node->keys) {
            free(node->keys[i].text);
        }
    }
    free(node->items);
    free(node->keys);
    free(node->text);
    free(node);
}

void yaml_release(struct yaml_node **node) {
    yaml_node_free(*node);
    *node = NULL;
}

const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key) {
    if (!map || map->kind != YAML_MAP) {
        return NULL;
    }
    for (size_t i = 0; i < map->count; i++) {
        if (strcmp(map->keys[i].text, key) == 0) {
            return map->items[i];
        }
    }
    return NULL;
}

bool yaml_fail(struct yaml_fault *fault, int line, int column, const char *format, ...) {
    fault->line = line;
    fault->column = column;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(fault->message, sizeof fault->message, format, arguments);
    va_end(arguments);
    for (char *c = fault->message; *c; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7F) {
            *c = '?';
        }
    }
    return false;
}

bool yaml_fail_memory(struct yaml_builder *b) {
    return yaml_fail(b->fault, yaml_line(b->parser.mark), yaml_column(b->parser.mark),
                     "out of memory");
}

struct yaml_node *yaml_node_new(struct yaml_builder *b, enum yaml_kind kind, int line, int column) {
    if (++b->nodes > YAML_NODES_MAX) {
        (void)yaml_fail(b->fault, line, column, "more than %d values", YAML_NODES_MAX);
        return NULL;
    }
    struct yaml_node *node = calloc(1, sizeof *node);
    if (!node) {
        (void)yaml_fail_memory(b);
        return NULL;
    }
    node->kind = kind;
    node->line = line;
    node->column = column;
    return node;
}

char *yaml_text_new(struct yaml_builder *b, const char *bytes, size_t len) {
    b->text += len;
    if (b->text > TEXT_MAX) {
        (void)yaml_fail(b->fault, yaml_line(b->parser.mark), yaml_column(b->parser.mark),
                        "too much text after aliases are resolved");
        return NULL;
    }
    char *text = malloc(len + 1);
    if (!text) {
        (void)yaml_fail_memory(b);
        return NULL;
    }
    memcpy(text, bytes, len);
    text[len] = '\0';
    return text;
}

/* Makes room for one more item. Capacity is the next power of two, so it need not be stored. */
static bool node_grow(struct yaml_builder *b, struct yaml_node *node) {
    if ((node->count & (node->count - 1)) != 0) {
        return true;
    }
    size_t capacity = node->count ? 2 * node->count : 1;
    struct yaml_node **items = realloc(node->items, capacity * sizeof(struct yaml_node *));
    if (!items) {
        (void)yaml_fail_memory(b);
        return false;
    }
    node->items = items;
    if (node->kind == YAML_MAP) {
        struct yaml_key *keys = realloc(node->keys, capacity * sizeof *keys);
        if (!keys) {
            (void)yaml_fail_memory(b);
            return false;
        }
        node->keys = keys;
    }
    return true;
}

bool yaml_list_append(struct yaml_builder *b, struct yaml_node *list, struct yaml_node *item) {
    CLEANUP(yaml_release) struct yaml_node *owned = item;
    if (!owned || !node_grow(b, list)) {
        return false;
    }
    list->items[list->count++] = TAKE(owned);
    return true;
}

bool yaml_map_append(struct yaml_builder *b, struct yaml_node *map, const struct yaml_key *key,
                     struct yaml_node *value) {
    CLEANUP(yaml_release) struct yaml_node *owned = value;
    if (!owned || !node_grow(b, map)) {
        return false;
    }
    char *text = yaml_text_new(b, key->text, strlen(key->text));
    if (!text) {
        return false;
    }
    map->keys[map->count] =
        (struct yaml_key){.text = text, .line = key->line, .column = key->column};
    map->items[map->count++] = TAKE(owned);
    return true;
}

struct yaml_node *yaml_copy(struct yaml_builder *b, const struct yaml_node *from, int depth,
                            const struct yaml_key *at) {
    if (from->kind != YAML_SCALAR && depth >= YAML_DEPTH_MAX) {
        (void)yaml_fail(b->fault, at->line, at->column, "nested more than %d levels deep",
                        YAML_DEPTH_MAX);
        return NULL;
    }
    CLEANUP(yaml_release)
    struct yaml_node *node = yaml_node_new(b, from->kind, at->line, at->column);
    if (!node) {
        return NULL;
    }
    node->line = from->line;
    node->column = from->column;
    node->plain = from->plain;
    if (from->kind == YAML_SCALAR) {
        node->text = yaml_text_new(b, from->text, strlen(from->text));
        return node->text ? TAKE(node) : NULL;
    }
    for (size_t i = 0; i < from->count; i++) {
        struct yaml_node *item = yaml_copy(b, from->items[i], depth + 1, at);
        bool kept = from->kind == YAML_MAP ? yaml_map_append(b, node, &from->keys[i], item)
                                           : yaml_list_append(b, node, item);
        if (!kept) {
            return NULL;
        }
    }
    return TAKE(node);
}
