/* YAML documents: owns the accepted subset of YAML, anchors, and the place of every fault. Never
 * interprets a scalar, and never returns a partial tree. */
#include "base/yaml.h"

#include "base/yaml_merge.h"

#define CORE_TAG "tag:yaml.org,2002:"

static struct yaml_node *build_node(struct yaml_builder *b, const yaml_event_t *event);

static bool fail_event(struct yaml_builder *b, const yaml_event_t *event, const char *message) {
    return yaml_fail(b->fault, yaml_line(event->start_mark), yaml_column(event->start_mark), "%s",
                     message);
}

/* libyaml's messages never quote the input. */
static bool fail_parser(struct yaml_builder *b) {
    const yaml_parser_t *parser = &b->parser;
    if (parser->error == YAML_MEMORY_ERROR) {
        return yaml_fail_memory(b);
    }
    const char *problem = parser->problem ? parser->problem : "not YAML";
    if (parser->error == YAML_READER_ERROR) {
        /* The reader runs ahead of the scanner and has no mark. */
        const unsigned char *start = parser->input.string.start;
        int line = 1, column = 1;
        for (size_t i = 0; i < parser->problem_offset && start + i < parser->input.string.end;
             i++) {
            line += start[i] == '\n' ? 1 : 0;
            column = start[i] == '\n' ? 1 : column + 1;
        }
        return yaml_fail(b->fault, line, column, "%s", problem);
    }
    return yaml_fail(b->fault, yaml_line(parser->problem_mark), yaml_column(parser->problem_mark),
                     "%s%s%s", parser->context ? parser->context : "", parser->context ? ": " : "",
                     problem);
}

static bool next_event(struct yaml_builder *b, yaml_event_t *event) {
    return yaml_parser_parse(&b->parser, event) != 0 || fail_parser(b);
}

/* The slot of a name; a later anchor of the same name replaces the earlier one. */
static bool anchor_open(struct yaml_builder *b, const yaml_event_t *event, const char *name,
                        struct yaml_anchor **out) {
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
    if (b->anchor_count == YAML_ANCHORS_MAX) {
        return fail_event(b, event, "too many anchors");
    }
    char *copy = yaml_text_new(b, name, strlen(name));
    if (!copy) {
        return false;
    }
    *out = &b->anchors[b->anchor_count++];
    **out = (struct yaml_anchor){.name = copy, .node = NULL};
    return true;
}

static struct yaml_node *build_alias(struct yaml_builder *b, const yaml_event_t *event) {
    const char *name = (const char *)event->data.alias.anchor;
    for (size_t i = 0; i < b->anchor_count; i++) {
        if (strcmp(b->anchors[i].name, name) == 0 && b->anchors[i].node) {
            const struct yaml_key at = {.line = yaml_line(event->start_mark),
                                        .column = yaml_column(event->start_mark)};
            return yaml_copy(b, b->anchors[i].node, b->depth, &at);
        }
    }
    (void)fail_event(b, event, "alias to an anchor that is not defined before it");
    return NULL;
}

/* kinds: the core tags allowed for the node, each followed by a comma. */
static bool tag_allowed(struct yaml_builder *b, const yaml_event_t *event, const yaml_char_t *tag,
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
    return fail_event(b, event, "tag not supported");
}

static bool tag_means_text(const yaml_char_t *tag) {
    return tag &&
           (strcmp((const char *)tag, "!") == 0 || strcmp((const char *)tag, CORE_TAG "str") == 0);
}

static bool scalar_allowed(struct yaml_builder *b, const yaml_event_t *event) {
    if (!tag_allowed(b, event, event->data.scalar.tag, "str,int,float,bool,null,")) {
        return false;
    }
    if (memchr(event->data.scalar.value, 0, event->data.scalar.length)) {
        return fail_event(b, event, "zero character in a text");
    }
    return true;
}

static struct yaml_node *build_scalar(struct yaml_builder *b, const yaml_event_t *event) {
    if (!scalar_allowed(b, event)) {
        return NULL;
    }
    CLEANUP(yaml_release)
    struct yaml_node *node =
        yaml_node_new(b, YAML_SCALAR, yaml_line(event->start_mark), yaml_column(event->start_mark));
    if (!node) {
        return NULL;
    }
    node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
                  !tag_means_text(event->data.scalar.tag);
    node->text =
        yaml_text_new(b, (const char *)event->data.scalar.value, event->data.scalar.length);
    return node->text ? TAKE(node) : NULL;
}

static struct yaml_node *build_list(struct yaml_builder *b, const yaml_event_t *start) {
    CLEANUP(yaml_release)
    struct yaml_node *list =
        yaml_node_new(b, YAML_LIST, yaml_line(start->start_mark), yaml_column(start->start_mark));
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
        if (!yaml_list_append(b, list, build_node(b, &event))) {
            return NULL;
        }
    }
}

static bool key_allowed(struct yaml_builder *b, const yaml_event_t *event) {
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

/* Reads the value of the key in event. *merge: the value of the map's merge key, owned by
 * `retired`. */
static bool build_pair(struct yaml_builder *b, struct yaml_node *map,
                       const struct yaml_node **merge, const yaml_event_t *event) {
    if (!key_allowed(b, event)) {
        return false;
    }
    CLEANUP(own_free)
    char *text =
        yaml_text_new(b, (const char *)event->data.scalar.value, event->data.scalar.length);
    if (!text) {
        return false;
    }
    const struct yaml_key key = {.text = text,
                                 .line = yaml_line(event->start_mark),
                                 .column = yaml_column(event->start_mark)};
    CLEANUP(yaml_event_delete) yaml_event_t next = {0};
    if (!next_event(b, &next)) {
        return false;
    }
    struct yaml_node *value = build_node(b, &next);
    if (!key_merges(event)) {
        return yaml_map_append(b, map, &key, value);
    }
    if (*merge) {
        yaml_node_free(value);
        return yaml_fail_duplicate(b, &key);
    }
    *merge = value;
    return yaml_list_append(b, b->retired, value);
}

static struct yaml_node *build_map(struct yaml_builder *b, const yaml_event_t *start) {
    CLEANUP(yaml_release)
    struct yaml_node *map =
        yaml_node_new(b, YAML_MAP, yaml_line(start->start_mark), yaml_column(start->start_mark));
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
            return yaml_merge(b, map, merge) ? TAKE(map) : NULL;
        }
        if (!build_pair(b, map, &merge, &event)) {
            return NULL;
        }
    }
}

static struct yaml_node *build_collection(struct yaml_builder *b, const yaml_event_t *event) {
    if (b->depth >= YAML_DEPTH_MAX) {
        (void)fail_event(b, event, "nested too deeply");
        return NULL;
    }
    const yaml_char_t *name = event->type == YAML_MAPPING_START_EVENT
                                  ? event->data.mapping_start.anchor
                                  : event->data.sequence_start.anchor;
    struct yaml_anchor *anchor = NULL;
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

/* Builds the value that begins with the event. NULL: the fault is filled. */
static struct yaml_node *build_node(struct yaml_builder *b, const yaml_event_t *event) {
    if (event->type == YAML_ALIAS_EVENT) {
        return build_alias(b, event);
    }
    if (event->type == YAML_SCALAR_EVENT) {
        struct yaml_anchor *anchor = NULL;
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

/* A document of white space, comments or `---` only is an empty map. */
static bool is_nothing(const struct yaml_node *root) {
    return root->kind == YAML_SCALAR && root->plain && root->text[0] == '\0';
}

/* Call after the start of the stream. */
static struct yaml_node *build_document(struct yaml_builder *b) {
    CLEANUP(yaml_event_delete) yaml_event_t first = {0};
    if (!next_event(b, &first)) {
        return NULL;
    }
    if (first.type == YAML_STREAM_END_EVENT) {
        return yaml_node_new(b, YAML_MAP, 1, 1);
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

static void builder_release(struct yaml_builder **builder) {
    struct yaml_builder *b = *builder;
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
        return yaml_fail(fault, 1, 1, "larger than %d bytes", YAML_SIZE_MAX);
    }
    CLEANUP(builder_release) struct yaml_builder *b = calloc(1, sizeof *b);
    if (!b || !yaml_parser_initialize(&b->parser)) {
        return yaml_fail(fault, 1, 1, "out of memory");
    }
    b->fault = fault;
    yaml_parser_set_input_string(&b->parser, (const unsigned char *)(len ? bytes : ""), len);
    /* Else a byte order mark would select UTF-16. */
    yaml_parser_set_encoding(&b->parser, YAML_UTF8_ENCODING);
    b->retired = yaml_node_new(b, YAML_LIST, 1, 1);
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
