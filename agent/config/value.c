/* Values of the configuration: turns one YAML value into a member of a struct. Knows no key by
 * name, and never quotes a possible secret. */
#include "agent/config/value.h"

#include <strings.h>

#include "agent/model/suggest.h"
#include "base/clock.h"
#include "base/size.h"

static bool is_setting(const struct config_row *row) {
    return row->read == config_read_setting || row->read == config_read_names;
}

const char *config_row_type(const struct config_row *row) {
    return !row->type && is_setting(row) ? settings_table[row->setting].type : row->type;
}

const char *config_row_meaning(const struct config_row *row) {
    return !row->meaning && is_setting(row) ? settings_table[row->setting].description
                                            : row->meaning;
}

bool config_no_value(const struct yaml_node *node) {
    return node->kind == YAML_SCALAR && node->plain &&
           (!*node->text || strcmp(node->text, "~") == 0 || strcasecmp(node->text, "null") == 0);
}

bool config_fault_type(const struct config_value *value, const char *wanted) {
    if (config_no_value(value->node)) {
        config_fault_add(value->reader, config_at(value->node),
                         "`%s` has no value: write %s, or remove the key", value->row->key, wanted);
    } else {
        config_fault_add(value->reader, config_at(value->node), "`%s` has the wrong type: write %s",
                         value->row->key, wanted);
    }
    return false;
}

const char *config_text(const struct config_value *value) {
    if (value->node->kind != YAML_SCALAR || config_no_value(value->node)) {
        (void)config_fault_type(value, config_row_type(value->row));
        return NULL;
    }
    if (!*value->node->text) {
        config_fault_add(value->reader, config_at(value->node), "`%s` is empty: write %s",
                         value->row->key, config_row_type(value->row));
        return NULL;
    }
    return value->node->text;
}

char *config_copy(const struct config_value *value, const char *text) {
    char *copy = strdup(text);
    if (!copy) {
        config_fault_add(value->reader, config_at(value->node), "out of memory");
    }
    return copy;
}

void config_read_text(const struct config_value *value) {
    const char *text = config_text(value);
    struct err err = ERR_INIT;
    if (!text) {
        return;
    }
    if (value->row->check && !value->row->check(text, &err)) {
        config_fault_add(value->reader, config_at(value->node), "`%s`: %s", value->row->key,
                         err.message);
        return;
    }
    char *copy = config_copy(value, text);
    if (copy) {
        char **member = CONFIG_MEMBER(value, char *);
        free(*member);
        *member = copy;
    }
}

/* Refuses the other spellings of YAML 1.1 rather than take them for text. */
static bool flag_of(const struct config_value *value, bool *out) {
    static const struct {
        const char *text;
        bool flag;
    } others[] = {{"yes", true}, {"on", true},   {"y", true},  {"true", true},
                  {"no", false}, {"off", false}, {"n", false}, {"false", false}};
    const struct yaml_node *node = value->node;
    if (node->kind != YAML_SCALAR || config_no_value(node)) {
        return config_fault_type(value, "true or false");
    }
    bool yes = strcmp(node->text, "true") == 0;
    if (node->plain && (yes || strcmp(node->text, "false") == 0)) {
        *out = yes;
        return true;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(others); i++) {
        if (strcasecmp(others[i].text, node->text) == 0) {
            config_fault_add(value->reader, config_at(node), "`%s` is true or false: write %s%s",
                             value->row->key, others[i].flag ? "true" : "false",
                             node->plain ? "" : ", without quotes");
            return false;
        }
    }
    return config_fault_type(value, "true or false");
}

void config_read_flag(const struct config_value *value) {
    bool flag = false;
    if (flag_of(value, &flag)) {
        *CONFIG_MEMBER(value, bool) = flag;
    }
}

void config_read_duration(const struct config_value *value) {
    const char *text = config_text(value);
    int64_t ms = 0;
    if (!text) {
        return;
    }
    if (!clock_duration_parse(text, &ms)) {
        config_fault_add(
            value->reader, config_at(value->node),
            "`%s`: \"%.64s\" is not a duration: write a number and a unit: 90s, 15m, 3h, "
            "2d",
            value->row->key, text);
    } else if (ms < value->row->min || ms > value->row->max) {
        config_fault_add(value->reader, config_at(value->node), "`%s` is out of range: write %s",
                         value->row->key, config_row_type(value->row));
    } else {
        *CONFIG_MEMBER(value, int64_t) = ms;
    }
}

void config_read_size(const struct config_value *value) {
    const char *text = config_text(value);
    int64_t bytes = 0;
    if (!text) {
        return;
    }
    if (!size_parse(text, &bytes)) {
        config_fault_add(value->reader, config_at(value->node),
                         "`%s`: \"%.64s\" is not a size: write a number and a unit: 512MiB, 2GiB",
                         value->row->key, text);
    } else if (bytes < value->row->min || bytes > value->row->max) {
        config_fault_add(value->reader, config_at(value->node), "`%s` is out of range: write %s",
                         value->row->key, config_row_type(value->row));
    } else {
        *CONFIG_MEMBER(value, int64_t) = bytes;
    }
}

void config_read_number(const struct config_value *value) {
    const char *text = config_text(value);
    if (!text) {
        return;
    }
    int64_t number = 0;
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || text[digits] || !value->node->plain) {
        (void)config_fault_type(value, config_row_type(value->row));
        return;
    }
    for (size_t i = 0; i < digits && number <= value->row->max; i++) {
        number = number * 10 + (text[i] - '0');
    }
    if (number < value->row->min || number > value->row->max) {
        config_fault_add(value->reader, config_at(value->node), "`%s` is out of range: write %s",
                         value->row->key, config_row_type(value->row));
        return;
    }
    *CONFIG_MEMBER(value, unsigned) = (unsigned)number;
}

int config_choice(const struct config_value *value) {
    const char *text = config_text(value);
    if (!text) {
        return -1;
    }
    struct suggest suggest = SUGGEST_INIT(text);
    for (int i = 0; value->row->choices[i]; i++) {
        if (strcmp(value->row->choices[i], text) == 0) {
            return i;
        }
        suggest_offer(&suggest, value->row->choices[i]);
    }
    if (suggest.nearest) {
        config_fault_add(value->reader, config_at(value->node),
                         "`%s`: unknown value \"%.64s\": did you mean %s?", value->row->key, text,
                         suggest.nearest);
    } else {
        config_fault_add(value->reader, config_at(value->node),
                         "`%s`: unknown value \"%.64s\": write %s", value->row->key, text,
                         config_row_type(value->row));
    }
    return -1;
}

void config_read_choice(const struct config_value *value) {
    int choice = config_choice(value);
    if (choice >= 0) {
        *CONFIG_MEMBER(value, int) = choice;
    }
}

void config_read_either(const struct config_value *value) {
    int choice = config_choice(value);
    if (choice >= 0) {
        *CONFIG_MEMBER(value, bool) = choice == 1;
    }
}

void config_read_setting(const struct config_value *value) {
    struct settings *settings = CONFIG_MEMBER(value, struct settings);
    enum settings_key key = value->row->setting;
    bool flag = false;
    struct err err = ERR_INIT;
    if (key == SETTINGS_ROLLBACK && !flag_of(value, &flag)) {
        return;
    }
    const char *text = config_text(value);
    if (text && !settings_set(settings, key, text, &err)) {
        config_fault_add(value->reader, config_at(value->node), "`%s`: %s", value->row->key,
                         err.message);
    }
}

/* Checks one name of a list, so that the fault has the name's place. NULL: reported. */
static const char *read_name(const struct config_value *item) {
    const char *text = config_text(item);
    if (text && !settings_name_valid(text)) {
        config_fault_add(item->reader, config_at(item->node),
                         "`%s`: \"%.64s\" is not a name: write at most %d letters, digits, '-', "
                         "'_' and '.'",
                         item->row->key, text, SETTINGS_NAME_SIZE - 1);
        return NULL;
    }
    return text;
}

void config_read_names(const struct config_value *value) {
    struct settings *settings = CONFIG_MEMBER(value, struct settings);
    enum settings_key key = value->row->setting;
    const struct config_row row = {.key = value->row->key, .type = "a name"};
    CLEANUP(buf_release) struct buf names = BUF_INIT(YAML_SIZE_MAX);
    struct err err = ERR_INIT;
    bool good = true;
    if (value->node->kind != YAML_LIST) {
        (void)config_fault_type(value, config_row_type(value->row));
        return;
    }
    for (size_t i = 0; i < value->node->count; i++) {
        const char *name =
            read_name(&(struct config_value){value->reader, &row, value->node->items[i], NULL});
        good = good && name;
        buf_printf(&names, "%s%s", i > 0 ? "," : "", name ? name : "");
    }
    if (value->node->count == 0) {
        struct settings none;
        settings_init(&none);
        none.sources[key].written = true;
        settings_take(settings, &none, key);
    } else if (good && !settings_set(settings, key, buf_text(&names), &err)) {
        config_fault_add(value->reader, config_at(value->node), "`%s`: %s", value->row->key,
                         err.message);
    }
}

static void fault_unknown_key(struct config_reader *reader, const struct yaml_key *key,
                              const struct config_row *rows) {
    struct suggest suggest = SUGGEST_INIT(key->text);
    for (const struct config_row *row = rows; row->key; row++) {
        suggest_offer(&suggest, row->key);
    }
    if (suggest.nearest) {
        config_fault_add(reader, config_at_key(key), "unknown key `%.64s`: did you mean `%s`?",
                         key->text, suggest.nearest);
        return;
    }
    CLEANUP(buf_release) struct buf known = BUF_INIT(400);
    for (const struct config_row *row = rows; row->key; row++) {
        if (!row->later) {
            buf_printf(&known, "%s`%s`", known.len ? ", " : "", row->key);
        }
    }
    config_fault_add(reader, config_at_key(key), "unknown key `%.64s`: known here are %s",
                     key->text, buf_text(&known));
}

static const struct config_row *row_find(const struct config_row *rows, const char *key) {
    for (; rows->key; rows++) {
        if (strcmp(rows->key, key) == 0) {
            return rows;
        }
    }
    return NULL;
}

static bool left_out(const struct config_value *map, const char *key) {
    const char *const *only = map->row == map->reader->only_of ? map->reader->only : NULL;
    for (size_t i = 0; only && only[i]; i++) {
        if (strcmp(only[i], key) == 0) {
            return false;
        }
    }
    return only != NULL;
}

static void read_member(const struct config_value *map, size_t index, bool early) {
    const struct yaml_key *key = &map->node->keys[index];
    const struct config_row *row = row_find(map->row->rows, key->text);
    if (left_out(map, key->text) || (row && row->early) != early) {
        return;
    }
    if (!row) {
        fault_unknown_key(map->reader, key, map->row->rows);
    } else if (row->later) {
        config_fault_add(map->reader, config_at_key(key),
                         "`%s` is not supported by this version yet: remove it (see CHANGELOG)",
                         row->key);
    } else {
        row->read(&(struct config_value){map->reader, row, map->node->items[index], map->out});
    }
}

bool config_members(const struct config_value *value) {
    if (value->node->kind != YAML_MAP) {
        return config_fault_type(value, config_row_type(value->row));
    }
    for (size_t i = 0; i < 2 * value->node->count; i++) {
        bool early = i < value->node->count;
        read_member(value, early ? i : i - value->node->count, early);
    }
    for (const struct config_row *row = value->row->rows; row->key; row++) {
        if (row->required && !yaml_get(value->node, row->key)) {
            config_fault_add(value->reader, config_at(value->node), "`%s` is missing: write %s",
                             row->key, row->required);
        }
    }
    return true;
}

void config_read_map(const struct config_value *value) {
    if (!config_members(value)) {
        return; /* reported */
    }
}
