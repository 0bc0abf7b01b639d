/* Dependencies of rules as a graph: owns the search for cycles. */
#include "agent/config/keys.h"

/* A rule as a node of the graph. Only a name without wildcards, or the group, identifies
 * targets. */
struct node {
    const char *name;  /* NULL: any */
    const char *group; /* "": none */
    const struct settings_names *depends_on;
    enum { NODE_NEW, NODE_OPEN, NODE_DONE } state;
};

struct graph {
    struct node items[CONFIG_RULES_MAX];
    size_t count;
    size_t path[CONFIG_RULES_MAX];
    size_t depth;
};

static const char *literal_name(const struct config_rule *rule) {
    const char *name = rule->match.name;
    return name && !strchr(name, '*') ? name : NULL;
}

/* The first rule with that name that sets the key; NULL: none. */
static const struct config_rule *first_rule(const struct config *config, const char *name,
                                            enum settings_key key) {
    for (size_t i = 0; name && i < config->rule_count; i++) {
        const char *other = literal_name(&config->rules[i]);
        if (other && config->rules[i].set[key] && strcmp(other, name) == 0) {
            return &config->rules[i];
        }
    }
    return NULL;
}

static void node_init(const struct config *config, const struct config_rule *rule,
                      struct node *out) {
    static const struct settings_names none = {.count = 0};
    const struct config_rule *grouped = first_rule(config, literal_name(rule), SETTINGS_GROUP);
    const struct config_rule *waits = first_rule(config, literal_name(rule), SETTINGS_DEPENDS_ON);
    bool own = rule->set[SETTINGS_DEPENDS_ON] && (!waits || waits == rule);
    *out = (struct node){.name = literal_name(rule),
                         .group = rule->set[SETTINGS_GROUP] ? rule->settings.group
                                  : grouped                 ? grouped->settings.group
                                                            : "",
                         .depends_on = own ? &rule->settings.depends_on : &none};
}

static bool depends(const struct node *from, const struct node *to) {
    for (size_t i = 0; i < from->depends_on->count; i++) {
        const char *name = from->depends_on->items[i];
        if ((to->name && strcmp(to->name, name) == 0) || strcmp(to->group, name) == 0) {
            return true;
        }
    }
    return false;
}

/* Depth-first search. True: found a cycle, which is the end of the path from `*out_first` on.
 * Recursion is at most as deep as there are rules. */
static bool find_cycle_from(struct graph *graph, size_t at, size_t *out_first) {
    struct node *node = &graph->items[at];
    node->state = NODE_OPEN;
    graph->path[graph->depth++] = at;
    for (size_t next = 0; next < graph->count; next++) {
        struct node *other = &graph->items[next];
        if (other->state == NODE_DONE || !depends(node, other)) {
            continue;
        }
        if (other->state == NODE_OPEN) {
            *out_first = next;
            return true;
        }
        if (find_cycle_from(graph, next, out_first)) {
            return true;
        }
    }
    node->state = NODE_DONE;
    graph->depth--;
    return false;
}

static const char *node_title(const struct node *node) {
    return node->name ? node->name : node->group;
}

static void report_cycle(struct config_reader *reader, const struct yaml_node *rules,
                         const struct graph *graph, size_t first) {
    CLEANUP(buf_release) struct buf words = BUF_INIT(160);
    size_t last = graph->path[graph->depth - 1];
    size_t at = graph->depth;
    while (at > 0 && graph->path[--at] != first) {
    }
    for (; at < graph->depth; at++) {
        buf_printf(&words, "%.64s, then ", node_title(&graph->items[graph->path[at]]));
    }
    const struct yaml_node *place = yaml_get(rules->items[last], "depends_on");
    config_fault_add(reader, config_at(place ? place : rules->items[last]),
                     "`depends_on` goes in a circle: %s%s%.64s again: remove one of them",
                     buf_text(&words), words.overflow ? "…, then " : "",
                     node_title(&graph->items[first]));
}

/* Reports only the first cycle: others may be the same one. */
static void find_cycle(struct config_reader *reader, const struct yaml_node *rules,
                       struct graph *graph) {
    for (size_t i = 0; i < graph->count; i++) {
        size_t first = 0;
        graph->depth = 0;
        if (graph->items[i].state == NODE_NEW && find_cycle_from(graph, i, &first)) {
            report_cycle(reader, rules, graph, first);
            return;
        }
    }
}

void config_check_cycles(struct config_reader *reader, const struct yaml_node *rules,
                         const struct config *config) {
    struct graph *graph = calloc(1, sizeof *graph);
    if (!graph) {
        config_fault_add(reader, config_at(rules), "out of memory");
        return;
    }
    graph->count = config->rule_count;
    for (size_t i = 0; i < graph->count; i++) {
        node_init(config, &config->rules[i], &graph->items[i]);
    }
    find_cycle(reader, rules, graph);
    free(graph);
}
