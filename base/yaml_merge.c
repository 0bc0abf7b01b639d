/* Merge keys of YAML maps: owns their precedence. */
#include "base/yaml_merge.h"

/* A pair of a map during the merge; borrowed. */
struct pair {
    const struct yaml_key *key;
    const struct yaml_node *value;
    size_t order;
};

struct pairs {
    struct pair *list;
    size_t count;
    size_t own; /* the number of the map's own pairs, which come first */
};

bool yaml_fail_duplicate(struct yaml_builder *b, const struct yaml_key *key) {
    /* Quotes a key only if it stays readable. */
    return strlen(key->text) <= 64
               ? yaml_fail(b->fault, key->line, key->column, "duplicate key \"%s\"", key->text)
               : yaml_fail(b->fault, key->line, key->column, "duplicate key");
}

static int pair_by_key(const void *left, const void *right) {
    const struct pair *a = left, *b = right;
    int order = strcmp(a->key->text, b->key->text);
    return order != 0 ? order : (a->order > b->order) - (a->order < b->order);
}

static int pair_by_order(const void *left, const void *right) {
    const struct pair *a = left, *b = right;
    return (a->order > b->order) - (a->order < b->order);
}

/* Resolves equal keys: the map's own wins, else that of the earliest merged map. Leaves the merged
 * pairs to append, in their order. */
static bool pairs_resolve(struct yaml_builder *b, struct pairs *pairs) {
    struct pair duplicate = {0};
    const struct yaml_key *previous = NULL;
    size_t kept = 0;
    qsort(pairs->list, pairs->count, sizeof *pairs->list, pair_by_key);
    for (size_t i = 0; i < pairs->count; i++) {
        const struct pair pair = pairs->list[i];
        bool first = !previous || strcmp(previous->text, pair.key->text) != 0;
        previous = pair.key;
        if (pair.order >= pairs->own) {
            if (first) {
                pairs->list[kept++] = pair;
            }
        } else if (!first && (!duplicate.key || pair.order < duplicate.order)) {
            duplicate = pair;
        }
    }
    if (duplicate.key) {
        return yaml_fail_duplicate(b, duplicate.key);
    }
    qsort(pairs->list, kept, sizeof *pairs->list, pair_by_order);
    pairs->count = kept;
    return true;
}

static void pairs_add(struct pairs *pairs, const struct yaml_node *map) {
    for (size_t i = 0; i < map->count; i++) {
        pairs->list[pairs->count] =
            (struct pair){.key = &map->keys[i], .value = map->items[i], .order = pairs->count};
        pairs->count++;
    }
}

/* merge: a map or a list of maps. False: anything else. */
static bool merge_size(const struct yaml_node *merge, size_t *size) {
    *size = 0;
    if (merge->kind == YAML_MAP) {
        *size = merge->count;
        return true;
    }
    for (size_t i = 0; i < merge->count; i++) {
        if (merge->items[i]->kind != YAML_MAP) {
            return false;
        }
        *size += merge->items[i]->count;
    }
    return merge->kind == YAML_LIST;
}

static void pairs_add_merged(struct pairs *pairs, const struct yaml_node *merge) {
    if (merge->kind == YAML_MAP) {
        pairs_add(pairs, merge);
        return;
    }
    for (size_t i = 0; i < merge->count; i++) {
        pairs_add(pairs, merge->items[i]);
    }
}

bool yaml_merge(struct yaml_builder *b, struct yaml_node *map, const struct yaml_node *merge) {
    size_t merged = 0;
    if (merge && !merge_size(merge, &merged)) {
        return yaml_fail(b->fault, merge->line, merge->column,
                         "the value of << is neither a map nor a list of maps");
    }
    if (map->count + merged == 0) {
        return true;
    }
    struct pairs pairs = {.own = map->count};
    pairs.list = calloc(map->count + merged, sizeof *pairs.list);
    CLEANUP(own_free) struct pair *list = pairs.list;
    if (!list) {
        return yaml_fail_memory(b);
    }
    pairs_add(&pairs, map);
    if (merge) {
        pairs_add_merged(&pairs, merge);
    }
    if (!pairs_resolve(b, &pairs)) {
        return false;
    }
    for (size_t i = 0; merge && i < pairs.count; i++) {
        const struct yaml_key at = {.line = merge->line, .column = merge->column};
        struct yaml_node *copy = yaml_copy(b, pairs.list[i].value, b->depth, &at);
        if (!yaml_map_append(b, map, pairs.list[i].key, copy)) {
            return false;
        }
    }
    return true;
}
