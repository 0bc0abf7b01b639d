/* Duplicate keys and merge keys (<<) of a YAML map; for base/yaml.c only. */
#ifndef LANDWAITER_BASE_YAML_MERGE_H
#define LANDWAITER_BASE_YAML_MERGE_H

#include "base/yaml_node.h"

/* Refuses duplicate keys, and appends copies of the merged pairs whose keys the map lacks. merge:
 * the value of its key <<, NULL if it has none. */
bool yaml_merge(struct yaml_builder *b, struct yaml_node *map, const struct yaml_node *merge);
/* Reports a duplicate key. Always false. */
bool yaml_fail_duplicate(struct yaml_builder *b, const struct yaml_key *key);

#endif
