/* YAML documents as a tree: owns anchors, aliases, merge keys, limits and the place of every fault.
 * Decides nothing about what a scalar means, and never leaves a tree half built. */
#include "base/yaml.h"

#include <stdarg.h>
#include <stdint.h>
#include <yaml.h>

#define DEPTH_MAX 32
#define ANCHORS_MAX 1000
/* Aliases copy, so nodes alone would not bound the memory: one long text could be copied for each
 * of them. */
#define TEXT_MAX ((size_t)8 * YAML_SIZE_MAX)

#define CORE_TAG "tag:yaml.org,2002:"

struct anchor {
    char *name;
    const struct yaml_node *node; /* NULL while the node is being built */
};

struct builder {
    yaml_parser_t parser;
    struct yaml_fault *fault;
    int depth; /* collections that are open */
    size_t nodes;
    size_t text; /* bytes in all scalars and keys */
    struct anchor anchors[ANCHORS_MAX];
    size_t anchor_count;
    /* A list of the values of merge keys. They are not in the tree, but anchors may point into
     * them. */
    struct yaml_node *retired;
};

/* A pair of a map while its merges are worked out; borrowed. */
struct pair {
    const struct yaml_key *key;
    const struct yaml_node *value;
    size_t order;
};

struct pairs {
    struct pair *list;
    size_t count;
    size_t own; /* how many stand in the map itself; they come first */
};

static struct yaml_node *build_node(struct builder *b, const yaml_event_t *event);

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

static bool fail(struct yaml_fault *fault, int line, int column, const char *format, ...)
    PRINTF_LIKE(4, 5);

static bool fail(struct yaml_fault *fault, int line, int column, const char *format, ...) {
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

static int mark_line(yaml_mark_t mark) {
    return (int)mark.line + 1;
}

static int mark_column(yaml_mark_t mark) {
    return (int)mark.column + 1;
}

static bool fail_event(struct builder *b, const yaml_event_t *event, const char *message) {
    return fail(b->fault, mark_line(event->start_mark), mark_column(event->start_mark), "%s",
                message);
}

static bool fail_memory(struct builder *b) {
    return fail(b->fault, mark_line(b->parser.mark), mark_column(b->parser.mark), "out of memory");
}

/* What libyaml says is fixed text without any input in it. */
static bool fail_parser(struct builder *b) {
    const yaml_parser_t *parser = &b->parser;
    if (parser->error == YAML_MEMORY_ERROR) {
        return fail_memory(b);
    }
    const char *problem = parser->problem ? parser->problem : "not YAML";
    if (parser->error == YAML_READER_ERROR) {
        /* The reader runs ahead of the scanner and has no mark of its own. */
        const unsigned char *start = parser->input.string.start;
        int line = 1, column = 1;
        for (size_t i = 0; i < parser->problem_offset && start + i < parser->input.string.end;
             i++) {
            line += start[i] == '\n' ? 1 : 0;
            column = start[i] == '\n' ? 1 : column + 1;
        }
        return fail(b->fault, line, column, "%s", problem);
    }
    return fail(b->fault, mark_line(parser->problem_mark), mark_column(parser->problem_mark),
                "%s%s%s", parser->context ? parser->context : "", parser->context ? ": " : "",
                problem);
}

static bool next_event(struct builder *b, yaml_event_t *event) {
    return yaml_parser_parse(&b->parser, event) != 0 || fail_parser(b);
}

/* Counts a node before it is made; line and column are of what asked for it. */
static struct yaml_node *node_new(struct builder *b, enum yaml_kind kind, int line, int column) {
    if (++b->nodes > YAML_NODES_MAX) {
        (void)fail(b->fault, line, column, "more than %d values", YAML_NODES_MAX);
        return NULL;
    }
    struct yaml_node *node = calloc(1, sizeof *node);
    if (!node) {
        (void)fail_memory(b);
        return NULL;
    }
    node->kind = kind;
    node->line = line;
    node->column = column;
    return node;
}

static char *text_new(struct builder *b, const char *bytes, size_t len) {
    b->text += len;
    if (b->text > TEXT_MAX) {
        (void)fail(b->fault, mark_line(b->parser.mark), mark_column(b->parser.mark),
                   "too much text after aliases are resolved");
        return NULL;
    }
    char *text = malloc(len + 1);
    if (!text) {
        (void)fail_memory(b);
        return NULL;
    }
    memcpy(text, bytes, len);
    text[len] = '\0';
    return text;
}

/* Makes room for one more. Capacity is the next power of two, so it need not be stored. */
static bool node_grow(struct builder *b, struct yaml_node *node) {
    if ((node->count & (node->count - 1)) != 0) {
        return true;
    }
    size_t capacity = node->count ? 2 * node->count : 1;
    struct yaml_node **items = realloc(node->items, capacity * sizeof(struct yaml_node *));
    if (!items) {
        return fail_memory(b);
    }
    node->items = items;
    if (node->kind == YAML_MAP) {
        struct yaml_key *keys = realloc(node->keys, capacity * sizeof *keys);
        if (!keys) {
            return fail_memory(b);
        }
        node->keys = keys;
    }
    return true;
}

/* Takes the item, also when it fails; NULL is passed on as a failure that is already told. */
static bool list_append(struct builder *b, struct yaml_node *list, struct yaml_node *item) {
    CLEANUP(yaml_release) struct yaml_node *owned = item;
    if (!owned || !node_grow(b, list)) {
        return false;
    }
    list->items[list->count++] = TAKE(owned);
    return true;
}

/* The same for a map; copies the key. */
static bool map_append(struct builder *b, struct yaml_node *map, const struct yaml_key *key,
                       struct yaml_node *value) {
    CLEANUP(yaml_release) struct yaml_node *owned = value;
    if (!owned || !node_grow(b, map)) {
        return false;
    }
    char *text = text_new(b, key->text, strlen(key->text));
    if (!text) {
        return false;
    }
    map->keys[map->count] =
        (struct yaml_key){.text = text, .line = key->line, .column = key->column};
    map->items[map->count++] = TAKE(owned);
    return true;
}

/* at: the place of the alias, which is where an expansion that grows too large is to be shortened.
 */
static struct yaml_node *copy_node(struct builder *b, const struct yaml_node *from, int depth,
                                   const struct yaml_key *at) {
    if (from->kind != YAML_SCALAR && depth >= DEPTH_MAX) {
        (void)fail(b->fault, at->line, at->column, "nested more than %d levels deep", DEPTH_MAX);
        return NULL;
    }
    CLEANUP(yaml_release) struct yaml_node *node = node_new(b, from->kind, at->line, at->column);
    if (!node) {
        return NULL;
    }
    node->line = from->line;
    node->column = from->column;
    node->plain = from->plain;
    if (from->kind == YAML_SCALAR) {
        node->text = text_new(b, from->text, strlen(from->text));
        return node->text ? TAKE(node) : NULL;
    }
    for (size_t i = 0; i < from->count; i++) {
        struct yaml_node *item = copy_node(b, from->items[i], depth + 1, at);
        bool kept = from->kind == YAML_MAP ? map_append(b, node, &from->keys[i], item)
                                           : list_append(b, node, item);
        if (!kept) {
            return NULL;
        }
    }
    return TAKE(node);
}

/* Gives out the slot of a name; a later anchor of the same name takes it over. */
static bool anchor_open(struct builder *b, const yaml_event_t *event, const char *name,
                        struct anchor **out) {
    *out = NULL;
    if (!name) {
        return true;
    }
    for (size_t i = 0; i < b->anchor_count; i++) {
        if (strcmp(b->anchors[i].name, name) == 0) {
            b->anchors[i].node = NULL;
            *out = &b->anchors[i];
            return true;
        }
    }
    if (b->anchor_count == ANCHORS_MAX) {
        return fail_event(b, event, "too many anchors");
    }
    char *copy = text_new(b, name, strlen(name));
    if (!copy) {
        return false;
    }
    *out = &b->anchors[b->anchor_count++];
    **out = (struct anchor){.name = copy, .node = NULL};
    return true;
}

static struct yaml_node *build_alias(struct builder *b, const yaml_event_t *event) {
    const char *name = (const char *)event->data.alias.anchor;
    for (size_t i = 0; i < b->anchor_count; i++) {
        if (strcmp(b->anchors[i].name, name) == 0 && b->anchors[i].node) {
            const struct yaml_key at = {.line = mark_line(event->start_mark),
                                        .column = mark_column(event->start_mark)};
            return copy_node(b, b->anchors[i].node, b->depth, &at);
        }
    }
    (void)fail_event(b, event, "alias to an anchor that is not defined before it");
    return NULL;
}

/* kinds: the core tags that such a node may bear, separated and ended by commas. */
static bool tag_allowed(struct builder *b, const yaml_event_t *event, const yaml_char_t *tag,
                        const char *kinds) {
    const char *text = (const char *)tag;
    if (!text || strcmp(text, "!") == 0) {
        return true;
    }
    if (strncmp(text, CORE_TAG, strlen(CORE_TAG)) == 0) {
        const char *name = text + strlen(CORE_TAG);
        size_t length = strlen(name);
        for (const char *kind = kinds; *kind; kind = strchr(kind, ',') + 1) {
            if (strncmp(kind, name, length) == 0 && kind[length] == ',') {
                return true;
            }
        }
    }
    return fail_event(b, event, "tag that is not understood here");
}

static bool tag_means_text(const yaml_char_t *tag) {
    return tag &&
           (strcmp((const char *)tag, "!") == 0 || strcmp((const char *)tag, CORE_TAG "str") == 0);
}

static bool scalar_allowed(struct builder *b, const yaml_event_t *event) {
    if (!tag_allowed(b, event, event->data.scalar.tag, "str,int,float,bool,null,")) {
        return false;
    }
    if (memchr(event->data.scalar.value, 0, event->data.scalar.length)) {
        return fail_event(b, event, "zero character in a text");
    }
    return true;
}

static struct yaml_node *build_scalar(struct builder *b, const yaml_event_t *event) {
    if (!scalar_allowed(b, event)) {
        return NULL;
    }
    CLEANUP(yaml_release)
    struct yaml_node *node =
        node_new(b, YAML_SCALAR, mark_line(event->start_mark), mark_column(event->start_mark));
    if (!node) {
        return NULL;
    }
    node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
                  !tag_means_text(event->data.scalar.tag);
    node->text = text_new(b, (const char *)event->data.scalar.value, event->data.scalar.length);
    return node->text ? TAKE(node) : NULL;
}

static struct yaml_node *build_list(struct builder *b, const yaml_event_t *start) {
    CLEANUP(yaml_release)
    struct yaml_node *list =
        node_new(b, YAML_LIST, mark_line(start->start_mark), mark_column(start->start_mark));
    if (!list || !tag_allowed(b, start, start->data.sequence_start.tag, "seq,")) {
        return NULL;
    }
    for (;;) {
        CLEANUP(yaml_event_delete) yaml_event_t event = {0};
        if (!next_event(b, &event)) {
            return NULL;
        }
        if (event.type == YAML_SEQUENCE_END_EVENT) {
            return TAKE(list);
        }
        if (!list_append(b, list, build_node(b, &event))) {
            return NULL;
        }
    }
}

static bool fail_duplicate(struct builder *b, const struct yaml_key *key) {
    /* A key is quoted only where it stays readable. */
    return strlen(key->text) <= 64
               ? fail(b->fault, key->line, key->column, "duplicate key \"%s\"", key->text)
               : fail(b->fault, key->line, key->column, "duplicate key");
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

/* Sorted by key, the first of equal ones counts: the map's own, or else that of the earliest map
 * merged. Leaves the merged ones that count, in their order. */
static bool pairs_settle(struct builder *b, struct pairs *pairs) {
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
        return fail_duplicate(b, duplicate.key);
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

/* merge: a map or a list of maps. False: it is something else. */
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

/* Refuses duplicate keys and brings in what is merged. */
static bool map_settle(struct builder *b, struct yaml_node *map, const struct yaml_node *merge) {
    size_t merged = 0;
    if (merge && !merge_size(merge, &merged)) {
        return fail(b->fault, merge->line, merge->column,
                    "the value of << is neither a map nor a list of maps");
    }
    if (map->count + merged == 0) {
        return true;
    }
    struct pairs pairs = {.own = map->count};
    pairs.list = calloc(map->count + merged, sizeof *pairs.list);
    CLEANUP(own_free) struct pair *list = pairs.list;
    if (!list) {
        return fail_memory(b);
    }
    pairs_add(&pairs, map);
    if (merge) {
        pairs_add_merged(&pairs, merge);
    }
    if (!pairs_settle(b, &pairs)) {
        return false;
    }
    for (size_t i = 0; merge && i < pairs.count; i++) {
        const struct yaml_key at = {.line = merge->line, .column = merge->column};
        struct yaml_node *copy = copy_node(b, pairs.list[i].value, b->depth, &at);
        if (!map_append(b, map, pairs.list[i].key, copy)) {
            return false;
        }
    }
    return true;
}

static bool key_allowed(struct builder *b, const yaml_event_t *event) {
    if (event->type != YAML_SCALAR_EVENT) {
        return fail_event(b, event, "a key has to be a text");
    }
    if (event->data.scalar.anchor) {
        return fail_event(b, event, "a key cannot have an anchor");
    }
    return scalar_allowed(b, event);
}

static bool key_merges(const yaml_event_t *event) {
    return event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && !event->data.scalar.tag &&
           strcmp((const char *)event->data.scalar.value, "<<") == 0;
}

/* One key, at hand, and its value. *merge: the value of the map's merge key, which `retired` owns.
 */
static bool build_pair(struct builder *b, struct yaml_node *map, const struct yaml_node **merge,
                       const yaml_event_t *event) {
    if (!key_allowed(b, event)) {
        return false;
    }
    CLEANUP(own_free)
    char *text = text_new(b, (const char *)event->data.scalar.value, event->data.scalar.length);
    if (!text) {
        return false;
    }
    const struct yaml_key key = {.text = text,
                                 .line = mark_line(event->start_mark),
                                 .column = mark_column(event->start_mark)};
    CLEANUP(yaml_event_delete) yaml_event_t next = {0};
    if (!next_event(b, &next)) {
        return false;
    }
    struct yaml_node *value = build_node(b, &next);
    if (!key_merges(event)) {
        return map_append(b, map, &key, value);
    }
    if (*merge) {
        yaml_node_free(value);
        return fail_duplicate(b, &key);
    }
    *merge = value;
    return list_append(b, b->retired, value);
}

static struct yaml_node *build_map(struct builder *b, const yaml_event_t *start) {
    CLEANUP(yaml_release)
    struct yaml_node *map =
        node_new(b, YAML_MAP, mark_line(start->start_mark), mark_column(start->start_mark));
    if (!map || !tag_allowed(b, start, start->data.mapping_start.tag, "map,")) {
        return NULL;
    }
    const struct yaml_node *merge = NULL;
    for (;;) {
        CLEANUP(yaml_event_delete) yaml_event_t event = {0};
        if (!next_event(b, &event)) {
            return NULL;
        }
        if (event.type == YAML_MAPPING_END_EVENT) {
            return map_settle(b, map, merge) ? TAKE(map) : NULL;
        }
        if (!build_pair(b, map, &merge, &event)) {
            return NULL;
        }
    }
}

static struct yaml_node *build_collection(struct builder *b, const yaml_event_t *event) {
    if (b->depth >= DEPTH_MAX) {
        (void)fail_event(b, event, "nested too deeply");
        return NULL;
    }
    const yaml_char_t *name = event->type == YAML_MAPPING_START_EVENT
                                  ? event->data.mapping_start.anchor
                                  : event->data.sequence_start.anchor;
    struct anchor *anchor = NULL;
    if (!anchor_open(b, event, (const char *)name, &anchor)) {
        return NULL;
    }
    b->depth++;
    struct yaml_node *node =
        event->type == YAML_MAPPING_START_EVENT ? build_map(b, event) : build_list(b, event);
    b->depth--;
    if (anchor) {
        anchor->node = node;
    }
    return node;
}

/* The value that begins with the event. NULL: the fault is told. */
static struct yaml_node *build_node(struct builder *b, const yaml_event_t *event) {
    if (event->type == YAML_ALIAS_EVENT) {
        return build_alias(b, event);
    }
    if (event->type == YAML_SCALAR_EVENT) {
        struct anchor *anchor = NULL;
        if (!anchor_open(b, event, (const char *)event->data.scalar.anchor, &anchor)) {
            return NULL;
        }
        struct yaml_node *node = build_scalar(b, event);
        if (anchor) {
            anchor->node = node;
        }
        return node;
    }
    if (event->type == YAML_MAPPING_START_EVENT || event->type == YAML_SEQUENCE_START_EVENT) {
        return build_collection(b, event);
    }
    (void)fail_event(b, event, "not a value");
    return NULL;
}

/* A document of nothing but white space, comments or `---` is an empty map. */
static bool is_nothing(const struct yaml_node *root) {
    return root->kind == YAML_SCALAR && root->plain && root->text[0] == '\0';
}

/* After the start of the stream. */
static struct yaml_node *build_document(struct builder *b) {
    CLEANUP(yaml_event_delete) yaml_event_t first = {0};
    if (!next_event(b, &first)) {
        return NULL;
    }
    if (first.type == YAML_STREAM_END_EVENT) {
        return node_new(b, YAML_MAP, 1, 1);
    }
    CLEANUP(yaml_event_delete) yaml_event_t event = {0};
    if (!next_event(b, &event)) {
        return NULL;
    }
    CLEANUP(yaml_release) struct yaml_node *root = build_node(b, &event);
    CLEANUP(yaml_event_delete) yaml_event_t end = {0};
    CLEANUP(yaml_event_delete) yaml_event_t after = {0};
    if (!root || !next_event(b, &end) || !next_event(b, &after)) {
        return NULL;
    }
    if (after.type != YAML_STREAM_END_EVENT) {
        (void)fail_event(b, &after, "only one document is allowed");
        return NULL;
    }
    if (is_nothing(root)) {
        free(TAKE(root->text));
        root->kind = YAML_MAP;
    }
    return TAKE(root);
}

static void builder_release(struct builder **builder) {
    struct builder *b = *builder;
    if (b) {
        yaml_parser_delete(&b->parser);
        for (size_t i = 0; i < b->anchor_count; i++) {
            free(b->anchors[i].name);
        }
        yaml_node_free(b->retired);
        free(b);
    }
}

bool yaml_parse(const char *bytes, size_t len, struct yaml_node **out, struct yaml_fault *fault) {
    if (len > YAML_SIZE_MAX) {
        return fail(fault, 1, 1, "larger than %d bytes", YAML_SIZE_MAX);
    }
    CLEANUP(builder_release) struct builder *b = calloc(1, sizeof *b);
    if (!b || !yaml_parser_initialize(&b->parser)) {
        return fail(fault, 1, 1, "out of memory");
    }
    b->fault = fault;
    yaml_parser_set_input_string(&b->parser, (const unsigned char *)(len ? bytes : ""), len);
    /* Otherwise a byte order mark would choose UTF-16. */
    yaml_parser_set_encoding(&b->parser, YAML_UTF8_ENCODING);
    b->retired = node_new(b, YAML_LIST, 1, 1);
    CLEANUP(yaml_event_delete) yaml_event_t start = {0};
    if (!b->retired || !next_event(b, &start)) {
        return false;
    }
    struct yaml_node *root = build_document(b);
    if (!root) {
        return false;
    }
    *out = root;
    return true;
}
