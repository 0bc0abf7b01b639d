/* Rules and defaults: owns whom a rule is about, what holds for a target, and what rules must be
 * together with the rest of the file. What single settings mean is agent/model/settings.c's. */
#include <fnmatch.h>

#include "agent/config/keys.h"
#include "policies/pattern.h"

#define RULES_MAX 500
#define STARS_MAX 8 /* keeps fnmatch's backtracking short */
#define LABELS_MAX 32

/* ---- reading ---- */

bool config_check_match_name(const char *text, struct err *err) {
    size_t stars = 0, len = strlen(text);
    for (size_t i = 0; i < len; i++) {
        stars += text[i] == '*';
    }
    bool valid =
        len < SETTINGS_NAME_SIZE && stars <= STARS_MAX &&
        strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.*") == len;
    return valid ||
           err_set(err, ERR_INVALID,
                   "\"%.64s\" is not the name of a target: write at most %d letters, digits, '-', "
                   "'_' and '.', with at most %d * for any run of them",
                   text, SETTINGS_NAME_SIZE - 1, STARS_MAX);
}

void config_read_labels(const struct config_value *value) {
    static const struct config_row label = {.key = "labels", .type = "a text"};
    struct config_rule *rule = value->out;
    const struct yaml_node *node = value->node;
    if (node->kind != YAML_MAP || node->count > LABELS_MAX) {
        (void)config_fault_type(value, value->row->type);
        return;
    }
    rule->match.labels = json_object();
    bool kept = rule->match.labels != NULL;
    for (size_t i = 0; kept && i < node->count; i++) {
        const struct config_value item = {value->reader, &label, node->items[i], NULL};
        const char *text = config_text(&item);
        if (text) {
            kept =
                json_object_set_new(rule->match.labels, node->keys[i].text, json_string(text)) == 0;
        }
    }
    if (!kept) {
        config_fault_add(value->reader, config_at(node), "the labels are not UTF-8");
    }
}

void config_read_match(const struct config_value *value) {
    if (config_members(value) && value->node->count == 0) {
        config_fault_add(value->reader, config_at(value->node),
                         "`match` is empty: write name, image, platform, namespace or labels, or "
                         "put what is for every target into `defaults`");
    }
}

static void read_rule(const struct config_value *value, unsigned number) {
    struct config_rule *rule = value->out;
    size_t set = 0, before = value->reader->count;
    settings_init(&rule->settings);
    bool read = config_members(value);
    for (int key = 0; key < SETTINGS_KEYS; key++) {
        if (rule->settings.sources[key].written) {
            rule->set[key] = true;
            rule->settings.sources[key] = (struct settings_source){SETTINGS_RULE, number, true};
            set++;
        }
    }
    if (read && set == 0 && value->reader->count == before) {
        config_fault_add(value->reader, config_warning_at(value->node),
                         "the rule sets nothing: write a setting beside `match`");
    }
}

void config_read_rules(const struct config_value *value) {
    struct config *config = value->out;
    const struct yaml_node *node = value->node;
    const struct config_row row = {
        .key = "rules", .type = "a map like {match: …, policy: …}", .rows = value->row->rows};
    if (node->kind != YAML_LIST || node->count > RULES_MAX) {
        config_fault_add(value->reader, config_at(node),
                         "`rules` must be a list of at most %d rules: write - match: {name: NAME} "
                         "and a setting for each",
                         RULES_MAX);
        return;
    }
    config->rules = calloc(node->count + 1, sizeof *config->rules);
    if (!config->rules) {
        config_fault_add(value->reader, config_at(node), "out of memory");
        return;
    }
    for (size_t i = 0; i < node->count; i++) {
        const struct config_value item = {value->reader, &row, node->items[i],
                                          &config->rules[config->rule_count++]};
        read_rule(&item, (unsigned)config->rule_count);
    }
}

void config_rules_release(struct config *config) {
    for (size_t i = 0; i < config->rule_count; i++) {
        struct config_match *match = &config->rules[i].match;
        free(match->name);
        free(match->image);
        free(match->platform);
        free(match->namespace_);
        json_decref(match->labels);
    }
    free(config->rules);
}

/* ---- what holds for a target ---- */

static bool labels_match(const json_t *wanted, const json_t *labels) {
    const char *label;
    json_t *value;
    json_object_foreach((json_t *)wanted, label, value) {
        if (!json_equal(json_object_get(labels, label), value)) {
            return false;
        }
    }
    return true;
}

static bool image_matches(const char *pattern, const struct ref *image) {
    char name[REF_NAME_SIZE];
    return image->path[0] && pattern_match(pattern, ref_name(image, name));
}

static bool rule_matches(const struct config_match *match, const struct config_subject *subject) {
    const char *namespace_ = subject->namespace_ ? subject->namespace_ : "";
    return (!match->name || fnmatch(match->name, subject->name, FNM_NOESCAPE) == 0) &&
           (!match->platform || strcmp(match->platform, subject->platform) == 0) &&
           (!match->namespace_ || strcmp(match->namespace_, namespace_) == 0) &&
           (!match->image || image_matches(match->image, subject->image)) &&
           labels_match(match->labels, subject->labels);
}

/* `shop-*` may depend on `shop-db`, and everything on the group of the databases: that one does not
 * wait for itself. */
static void forget_itself(const struct config_subject *subject, struct settings *settings) {
    struct settings_names *names = &settings->depends_on;
    size_t kept = 0;
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->items[i], subject->name) != 0 &&
            strcmp(names->items[i], settings->group) != 0) {
            memmove(names->items[kept++], names->items[i], SETTINGS_NAME_SIZE);
        }
    }
    names->count = kept;
}

static bool is_remote(const struct config_docker *docker) {
    return docker->enabled && strncmp(docker->host, "tcp://", 6) == 0;
}

struct label_context {
    const struct config *config;
    const struct config_subject *subject;
};

/* What the configuration says against a label's value. */
static bool check_label(const struct settings *settings, enum settings_key key, const void *context,
                        struct err *err) {
    const struct label_context *label = context;
    if (key == SETTINGS_WINDOWS) {
        return config_windows_known(label->config, &settings->windows, err);
    }
    if (key == SETTINGS_MIN_FREE_MEMORY && settings->min_free_memory > 0 &&
        strcmp(label->subject->platform, "docker") == 0 && is_remote(&label->config->docker)) {
        return err_set(err, ERR_INVALID,
                       "the memory of an engine behind tcp:// cannot be seen; remove it");
    }
    for (size_t i = 0; key == SETTINGS_DEPENDS_ON && i < settings->depends_on.count; i++) {
        if (strcmp(settings->depends_on.items[i], label->subject->name) == 0) {
            return err_set(err, ERR_INVALID, "it names the target itself; write another name");
        }
    }
    return true;
}

void config_settings(const struct config *config, const struct config_subject *subject,
                     struct settings *out, struct settings_labels *labels) {
    bool taken[SETTINGS_KEYS] = {false};
    *out = config->defaults;
    for (size_t i = 0; i < config->rule_count; i++) {
        const struct config_rule *rule = &config->rules[i];
        if (!rule_matches(&rule->match, subject)) {
            continue;
        }
        for (int key = 0; key < SETTINGS_KEYS; key++) {
            if (rule->set[key] && !taken[key]) {
                settings_take(out, &rule->settings, (enum settings_key)key);
                taken[key] = true;
            }
        }
    }
    const struct label_context context = {config, subject};
    struct settings_reading reading = {"landwaiter.", SETTINGS_LABEL, check_label, &context};
    if (subject->annotations) {
        reading.prefix = "landwaiter.dev/";
        reading.kind = SETTINGS_ANNOTATION;
    }
    settings_from_labels(subject->annotations ? subject->annotations : subject->labels, &reading,
                         out, labels);
    forget_itself(subject, out);
}

/* ---- dependencies must not go in a circle ---- */

/* A rule's part in them. A target is known only by a name without wildcards, or by its group. */
struct knot {
    const char *name;  /* NULL: any */
    const char *group; /* "": none */
    const struct settings_names *depends_on;
    enum { KNOT_NEW, KNOT_OPEN, KNOT_DONE } state;
};

struct knots {
    struct knot items[RULES_MAX];
    size_t count;
    size_t path[RULES_MAX];
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

static void check_circles(struct config_reader *reader, const struct yaml_node *rules,
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

/* ---- what is written elsewhere ---- */

/* A window that is there and wrong has its own fault. */
static void check_windows(struct config_reader *reader, const struct yaml_node *root,
                          const struct yaml_node *names, const struct config *config) {
    for (size_t i = 0; names && names->kind == YAML_LIST && i < names->count; i++) {
        const struct yaml_node *item = names->items[i];
        struct settings_names one = {.count = 1};
        struct err err = ERR_INIT;
        if (item->kind != YAML_SCALAR || !settings_name_valid(item->text) ||
            yaml_get(yaml_get(root, "windows"), item->text)) {
            continue;
        }
        memcpy(one.items[0], item->text, strlen(item->text) + 1);
        if (!config_windows_known(config, &one, &err)) {
            config_fault_add(reader, config_at(item), "`windows`: %s", err.message);
        }
    }
}

static void check_memory(struct config_reader *reader, const struct yaml_node *node,
                         const struct settings *settings, const struct config *config) {
    if (node && settings->min_free_memory > 0 && is_remote(&config->docker)) {
        config_fault_add(reader, config_at(node),
                         "`min_free_memory`: the memory of an engine behind tcp:// cannot be seen: "
                         "remove it, or run Landwaiter beside the engine");
    }
}

void config_check_settings(struct config_reader *reader, const struct yaml_node *root,
                           const struct config *config) {
    const struct yaml_node *defaults = yaml_get(root, "defaults"), *rules = yaml_get(root, "rules");
    check_windows(reader, root, yaml_get(defaults, "windows"), config);
    check_memory(reader, yaml_get(defaults, "min_free_memory"), &config->defaults, config);
    for (size_t i = 0; i < config->rule_count; i++) {
        const struct config_rule *rule = &config->rules[i];
        const char *platform = rule->match.platform;
        check_windows(reader, root, yaml_get(rules->items[i], "windows"), config);
        if (!platform || strcmp(platform, "docker") == 0) {
            check_memory(reader, yaml_get(rules->items[i], "min_free_memory"), &rule->settings,
                         config);
        }
    }
    if (config->rule_count > 0) {
        check_circles(reader, rules, config);
    }
}
