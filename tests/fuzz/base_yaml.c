/* Any bytes as YAML: a tree within the limits, with places and without duplicate keys; or a fault
 * with its place. */
#include "base/yaml.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t check(const struct yaml_node *node, int depth) {
    if (node->line < 1 || node->column < 1 || depth > 32 ||
        (node->kind == YAML_SCALAR) != (node->text != NULL)) {
        abort();
    }
    size_t nodes = 1;
    for (size_t i = 0; i < node->count; i++) {
        /* yaml_get finds the first of its name. */
        if (node->kind == YAML_MAP && yaml_get(node, node->keys[i].text) != node->items[i]) {
            abort();
        }
        nodes += check(node->items[i], node->items[i]->kind == YAML_SCALAR ? depth : depth + 1);
    }
    return nodes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct yaml_fault fault = {0};
    CLEANUP(yaml_release) struct yaml_node *root = NULL;
    if (!yaml_parse((const char *)data, size, &root, &fault)) {
        if (root || fault.line < 1 || fault.column < 1 || !fault.message[0]) {
            abort();
        }
        return 0;
    }
    if (check(root, root->kind == YAML_SCALAR ? 0 : 1) > YAML_NODES_MAX) {
        abort();
    }
    return 0;
}
