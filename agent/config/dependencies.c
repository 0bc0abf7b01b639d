/* Circles among the dependencies of rules. */
#include "agent/config/keys.h"

/* A rule's part in them. A target is known only by a name without wildcards, or by its group. */
struct knot {
    const char *name;  /* NULL: any */
    const char *group; /* "": none */
    const struct settings_names *depends_on;
    enum { KNOT_NEW, KNOT_OPEN, KNOT_DONE } state;
};

struct knots {
    struct knot items[CONFIG_RULES_MAX];
    size_t count;
    size_t path[CONFIG_RULES_MAX];
    size_t depth;
};

static const char *literal_name(const struct config_rule *rule) {
    const char *name = rule->match.name;
    return name && !strchr(name, '*') ? name : NULL;
}

/* The first rule of that name that sets the key; NULL: none. */
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

static void tie(const struct config *config, const struct config_rule *rule, struct knot *out) {
    static const struct settings_names none = {.count = 0};
    const struct config_rule *grouped = first_rule(config, literal_name(rule), SETTINGS_GROUP);
    const struct config_rule *waits = first_rule(config, literal_name(rule), SETTINGS_DEPENDS_ON);
    bool own = rule->set[SETTINGS_DEPENDS_ON] && (!waits || waits == rule);
    *out = (struct knot){.name = literal_name(rule),
                         .group = rule->set[SETTINGS_GROUP] ? rule->settings.group
                                  : grouped                 ? grouped->settings.group
                                                            : "",
                         .depends_on = own ? &rule->settings.depends_on : &none};
}

static bool leads(const struct knot *from, const struct knot *to) {
    for (size_t i = 0; i < from->depends_on->count; i++) {
        const char *name = from->depends_on->items[i];
        if ((to->name && strcmp(to->name, name) == 0) || strcmp(to->group, name) == 0) {
            return true;
        }
    }
    return false;
}

/* True: a circle; its knots are the end of the path, from `*out_first` on. As deep as there are
 * rules. */
static bool goes_round(struct knots *knots, size_t at, size_t *out_first) {
    struct knot *knot = &knots->items[at];
    knot->state = KNOT_OPEN;
    knots->path[knots->depth++] = at;
    for (size_t next = 0; next < knots->count; next++) {
        struct knot *other = &knots->items[next];
        if (other->state == KNOT_DONE || !leads(knot, other)) {
            continue;
        }
        if (other->state == KNOT_OPEN) {
            *out_first = next;
            return true;
        }
        if (goes_round(knots, next, out_first)) {
            return true;
        }
    }
    knot->state = KNOT_DONE;
    knots->depth--;
    return false;
}

static const char *knot_title(const struct knot *knot) {
    return knot->name ? knot->name : knot->group;
}

static void report_circle(struct config_reader *reader, const struct yaml_node *rules,
                          const struct knots *knots, size_t first) {
    CLEANUP(buf_release) struct buf words = BUF_INIT(160);
    size_t last = knots->path[knots->depth - 1];
    size_t at = knots->depth;
    while (at > 0 && knots->path[--at] != first) {
    }
    for (; at < knots->depth; at++) {
        buf_printf(&words, "%.64s, then ", knot_title(&knots->items[knots->path[at]]));
    }
    const struct yaml_node *place = yaml_get(rules->items[last], "depends_on");
    config_fault_add(reader, config_at(place ? place : rules->items[last]),
                     "`depends_on` goes in a circle: %s%s%.64s again: remove one of them",
                     buf_text(&words), words.overflow ? "…, then " : "",
                     knot_title(&knots->items[first]));
}

/* The first one only: what is behind it may be the same circle. */
static void find_circle(struct config_reader *reader, const struct yaml_node *rules,
                        struct knots *knots) {
    for (size_t i = 0; i < knots->count; i++) {
        size_t first = 0;
        knots->depth = 0;
        if (knots->items[i].state == KNOT_NEW && goes_round(knots, i, &first)) {
            report_circle(reader, rules, knots, first);
            return;
        }
    }
}

void config_check_circles(struct config_reader *reader, const struct yaml_node *rules,
                          const struct config *config) {
    struct knots *knots = calloc(1, sizeof *knots);
    if (!knots) {
        config_fault_add(reader, config_at(rules), "out of memory");
        return;
    }
    knots->count = config->rule_count;
    for (size_t i = 0; i < knots->count; i++) {
        tie(config, &config->rules[i], &knots->items[i]);
    }
    find_circle(reader, rules, knots);
    free(knots);
}
