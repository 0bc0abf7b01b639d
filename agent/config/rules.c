/* Rules and defaults: owns their reading, and their checks against the rest of the file. The
 * meaning of each setting is agent/model/settings.c's. */
#include "agent/config/keys.h"

#define STARS_MAX 8 /* keeps fnmatch's backtracking short */
#define LABELS_MAX 32

/* ---- reading ---- */

static bool check_match_name(const char *text, struct err *err) {
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

static void read_labels(const struct config_value *value) {
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

static void read_match(const struct config_value *value) {
    if (config_members(value) && value->node->count == 0) {
        config_fault_add(value->reader, config_at(value->node),
                         "`match` is empty: write name, image, platform, namespace or labels, or "
                         "put settings of every target into `defaults`");
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
    if (node->kind != YAML_LIST || node->count > CONFIG_RULES_MAX) {
        config_fault_add(value->reader, config_at(node),
                         "`rules` must be a list of at most %d rules: write - match: {name: NAME} "
                         "and a setting for each",
                         CONFIG_RULES_MAX);
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

/* ---- checks against other sections ---- */

/* A window with a fault of its own is not reported again. */
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
    if (node && settings->min_free_memory > 0 && config->docker.enabled &&
        config_docker_remote(&config->docker)) {
        config_fault_add(reader, config_at(node),
                         "`min_free_memory`: the memory of an engine behind tcp:// cannot be read: "
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
        config_check_cycles(reader, rules, config);
    }
}

/* ---- the keys ---- */

static const char *const platforms[] = {"docker", "swarm", "kubernetes", NULL};

static void read_match_platform(const struct config_value *value) {
    if (config_choice(value) >= 0) {
        config_read_text(value);
    }
}

static void read_concurrency(const struct config_value *value) {
    struct config *config = value->out;
    config->concurrency_written = true;
    config_read_number(value);
}

/* The same rows serve `defaults` and rules, over two structs. settings_table has their meanings. */
#define SETTING(name, id) .key = (name), .read = config_read_setting, .setting = (id)
#define SETTING_NAMES(name, id)                                                                    \
    .key = (name), .read = config_read_names, .setting = (id),                                     \
    .type = "a list of names like [one, another]"
#define HEALTH_ROWS(struct_name, member)                                                           \
    {SETTING("timeout", SETTINGS_HEALTH_TIMEOUT), .preset = "120s",                                \
     CONFIG_OF(struct_name, member)},                                                              \
    {                                                                                              \
        SETTING("soak", SETTINGS_SOAK), .preset = "10s", CONFIG_OF(struct_name, member)            \
    }
#define SETTING_ROWS(struct_name, member, health)                                                  \
    {SETTING("policy", SETTINGS_POLICY), .preset = "digest", CONFIG_OF(struct_name, member)},      \
        {SETTING_NAMES("windows", SETTINGS_WINDOWS), .preset = "[], always open",                  \
         CONFIG_OF(struct_name, member)},                                                          \
        {SETTING("approval", SETTINGS_APPROVAL), .preset = "none",                                 \
         CONFIG_OF(struct_name, member)},                                                          \
        {SETTING("approval_expires", SETTINGS_APPROVAL_EXPIRES), .preset = "7d",                   \
         CONFIG_OF(struct_name, member)},                                                          \
        {.key = "health",                                                                          \
         .type = "a map like {timeout: 120s, soak: 10s}",                                          \
         .meaning = "conditions of a healthy update",                                              \
         .read = config_read_map,                                                                  \
         .rows = (health)},                                                                        \
        {SETTING("rollback", SETTINGS_ROLLBACK), .preset = "true",                                 \
         CONFIG_OF(struct_name, member)},                                                          \
        {SETTING("group", SETTINGS_GROUP), .preset = "none", CONFIG_OF(struct_name, member)},      \
        {SETTING_NAMES("depends_on", SETTINGS_DEPENDS_ON), .preset = "[]",                         \
         CONFIG_OF(struct_name, member)},                                                          \
        {SETTING("stop_timeout", SETTINGS_STOP_TIMEOUT), .preset = "the container's own",          \
         CONFIG_OF(struct_name, member)},                                                          \
        {SETTING("min_free_memory", SETTINGS_MIN_FREE_MEMORY), .preset = "0",                      \
         CONFIG_OF(struct_name, member)},                                                          \
        {SETTING("managed", SETTINGS_MANAGED), .preset = "false", CONFIG_OF(struct_name, member)}, \
        CONFIG_LATER("pre_update", "a command in the old container"),                              \
        CONFIG_LATER("post_update", "a command in the new container"),                             \
        CONFIG_LATER("wait_idle", "time without connections before a swap")

static const struct config_row health_rows[] = {HEALTH_ROWS(config, defaults), CONFIG_END};
static const struct config_row rule_health_rows[] = {HEALTH_ROWS(config_rule, settings),
                                                     CONFIG_END};

const struct config_row config_defaults_rows[] = {
    SETTING_ROWS(config, defaults, health_rows),
    {.key = "concurrency",
     .type = "a number from 1 to 256",
     .preset = "2; 1 in a cluster with one node, or without permission to list nodes",
     .meaning = "updates applied at once, per platform",
     .read = read_concurrency,
     .min = 1,
     .max = 256,
     CONFIG_OF(config, concurrency)},
    CONFIG_END,
};

static const struct config_row match_rows[] = {
    {.key = "name",
     .type = "a name; * stands for any run of characters",
     .meaning = "the target's name: the container's, or the workload's in a cluster",
     .read = config_read_text,
     .check = check_match_name,
     CONFIG_OF(config_rule, match.name)},
    {.key = "image",
     .type = "a pattern",
     .meaning = "the image's full name: `*` within one path segment, `**` across",
     .read = config_read_pattern,
     CONFIG_OF(config_rule, match.image)},
    {.key = "platform",
     .type = "docker, swarm or kubernetes",
     .meaning = "what runs it",
     .read = read_match_platform,
     .choices = platforms,
     CONFIG_OF(config_rule, match.platform)},
    {.key = "namespace",
     .type = "a name",
     .meaning = "the Kubernetes namespace; other targets have none",
     .read = config_read_text,
     .check = config_check_namespace,
     CONFIG_OF(config_rule, match.namespace_)},
    {.key = "labels",
     .type = "a map like {tier: web}",
     .meaning = "labels that it has, with exactly these values",
     .read = read_labels},
    CONFIG_END,
};

const struct config_row config_rule_rows[] = {
    {.key = "match",
     .type = "a map like {name: NAME}",
     .required = "its targets, like match: {name: NAME}",
     .meaning = "the targets of the rule: all of these conditions must hold",
     .read = read_match,
     .rows = match_rows},
    SETTING_ROWS(config_rule, settings, rule_health_rows),
    CONFIG_END,
};
