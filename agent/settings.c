/* The settings of one target: owns their table, their limits and what labels say about them. Never
 * guesses: a faulty label is a problem of its target, which is then left alone. */
#include "agent/settings.h"

#include <string.h>

#include "agent/suggest.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"

#define SECOND_MS ((int64_t)1000)
#define HOUR_MS (3600 * SECOND_MS)
#define DAY_MS (24 * HOUR_MS)

struct settings_range {
    int64_t min_ms, max_ms;
    const char *text;
};

static bool parse_duration(const char *text, const struct settings_range *range, int64_t *out_ms,
                           struct err *err) {
    int64_t ms = 0;
    if (!clock_duration_parse(text, &ms)) {
        return err_set(err, ERR_INVALID,
                       "\"%.64s\" is not a duration; write a number and a unit: 90s, 15m, 3h, 2d",
                       text);
    }
    if (ms < range->min_ms || ms > range->max_ms) {
        return err_set(err, ERR_INVALID, "\"%.64s\" is out of range; write a duration of %s", text,
                       range->text);
    }
    *out_ms = ms;
    return true;
}

static bool parse_flag(const char *text, bool *out, struct err *err) {
    bool yes = strcmp(text, "true") == 0;
    if (!yes && strcmp(text, "false") != 0) {
        return err_set(err, ERR_INVALID, "\"%.64s\" is neither; write true or false", text);
    }
    *out = yes;
    return true;
}

/* interface.md section 2 names them; policies/policy.c does not know them yet. */
static bool policy_is_later(const char *text) {
    static const char *const names[] = {"major", "minor", "patch", "force"};
    static const char *const families[] = {"semver:", "glob:", "regex:"};
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        if (strcmp(names[i], text) == 0) {
            return true;
        }
    }
    for (size_t i = 0; i < ARRAY_LENGTH(families); i++) {
        if (strncmp(families[i], text, strlen(families[i])) == 0) {
            return true;
        }
    }
    return false;
}

static bool parse_policy(const char *text, struct settings *out, struct err *err) {
    if (policy_is_later(text)) {
        return err_set(err, ERR_INVALID,
                       "\"%.64s\" is not supported by this version yet; write digest or "
                       "never",
                       text);
    }
    return policy_parse(text, &out->policy, err);
}

static bool parse_health_timeout(const char *text, struct settings *out, struct err *err) {
    static const struct settings_range range = {SECOND_MS, DAY_MS, "1s to 24h"};
    return parse_duration(text, &range, &out->health_timeout_ms, err);
}

static bool parse_soak(const char *text, struct settings *out, struct err *err) {
    static const struct settings_range range = {0, DAY_MS, "0s to 24h"};
    return parse_duration(text, &range, &out->soak_ms, err);
}

static bool parse_rollback(const char *text, struct settings *out, struct err *err) {
    return parse_flag(text, &out->rollback, err);
}

static bool parse_stop_timeout(const char *text, struct settings *out, struct err *err) {
    static const struct settings_range range = {0, HOUR_MS, "0s to 1h"};
    return parse_duration(text, &range, &out->stop_timeout_ms, err);
}

/* Seconds (interface.md section 8), whole where they are. */
static json_t *show_duration(int64_t ms) {
    if (ms < 0) {
        return json_null();
    }
    return ms % SECOND_MS == 0 ? json_integer(ms / SECOND_MS)
                               : json_real((double)ms / (double)SECOND_MS);
}

static json_t *show_policy(const struct settings *settings) {
    return json_string(policy_name(&settings->policy));
}

static json_t *show_health_timeout(const struct settings *settings) {
    return show_duration(settings->health_timeout_ms);
}

static json_t *show_soak(const struct settings *settings) {
    return show_duration(settings->soak_ms);
}

static json_t *show_rollback(const struct settings *settings) {
    return json_boolean(settings->rollback);
}

static json_t *show_stop_timeout(const struct settings *settings) {
    return show_duration(settings->stop_timeout_ms);
}

const struct settings_row settings_table[SETTINGS_KEYS] = {
    [SETTINGS_POLICY] = {"policy", "digest or never",
                         "which pushed tags are taken: `digest` follows the tag that runs, `never` "
                         "takes none",
                         parse_policy, show_policy},
    [SETTINGS_HEALTH_TIMEOUT] = {"health-timeout", "a duration, 1s to 24h",
                                 "how long a new container may take to become healthy before it is "
                                 "rolled back",
                                 parse_health_timeout, show_health_timeout},
    [SETTINGS_SOAK] = {"soak", "a duration, 0s to 24h",
                       "how long it must then stay up before the update counts as done", parse_soak,
                       show_soak},
    [SETTINGS_ROLLBACK] = {"rollback", "true or false",
                           "put the old container back when the new one does not stand",
                           parse_rollback, show_rollback},
    [SETTINGS_STOP_TIMEOUT] = {"stop-timeout", "a duration, 0s to 1h",
                               "how long the old container may take to stop before it is killed; "
                               "not written: the container's own",
                               parse_stop_timeout, show_stop_timeout},
};

/* Keys of interface.md section 3 that say when an update must wait. Ignoring one would update a
 * target against its owner's word. */
static const char *const settings_later[] = {
    "windows",    "approval",    "group",           "depends-on",
    "pre-update", "post-update", "min-free-memory", "wait-idle",
};

void settings_init(struct settings *settings) {
    *settings = (struct settings){
        .policy = {.kind = POLICY_DIGEST},
        .health_timeout_ms = 120 * SECOND_MS,
        .soak_ms = 10 * SECOND_MS,
        .rollback = true,
        .stop_timeout_ms = -1,
    };
}

bool settings_set(struct settings *settings, enum settings_key key, const char *text,
                  struct err *err) {
    if (!settings_table[key].parse(text, settings, err)) {
        return false;
    }
    settings->written[key] = true;
    return true;
}

static bool unknown_label(const char *label, const char *key, struct err *err) {
    for (size_t i = 0; i < ARRAY_LENGTH(settings_later); i++) {
        if (strcmp(settings_later[i], key) == 0) {
            return err_set(err, ERR_INVALID, "label %.100s is not supported by this version yet",
                           label);
        }
    }
    struct suggest suggest = SUGGEST_INIT(key);
    suggest_offer(&suggest, "enable");
    for (size_t i = 0; i < SETTINGS_KEYS; i++) {
        suggest_offer(&suggest, settings_table[i].key);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(settings_later); i++) {
        suggest_offer(&suggest, settings_later[i]);
    }
    if (!suggest.nearest) {
        return err_set(err, ERR_INVALID, "unknown label %.100s", label);
    }
    return err_set(err, ERR_INVALID, "unknown label %.100s: did you mean %.*s%s?", label,
                   (int)(key - label), label, suggest.nearest);
}

/* key is the part of label behind the prefix. */
struct settings_label {
    const char *label, *key, *value;
};

static bool apply_label(const struct settings_label *label, struct settings *settings,
                        struct settings_labels *out, struct err *err) {
    if (!label->value) {
        return err_set(err, ERR_INVALID, "label %.100s: its value is not a string", label->label);
    }
    if (strcmp(label->key, "enable") == 0) {
        bool enable = false;
        if (!parse_flag(label->value, &enable, err)) {
            return err_wrap(err, "label %.100s", label->label);
        }
        out->enable = enable ? SETTINGS_ENABLE_TRUE : SETTINGS_ENABLE_FALSE;
        return true;
    }
    for (size_t i = 0; i < SETTINGS_KEYS; i++) {
        if (strcmp(settings_table[i].key, label->key) == 0) {
            if (!settings_set(settings, (enum settings_key)i, label->value, err)) {
                return err_wrap(err, "label %.100s", label->label);
            }
            settings->sources[i] = SETTINGS_LABEL;
            return true;
        }
    }
    return unknown_label(label->label, label->key, err);
}

/* Every faulty label is named: in whole sentences while they fit, then by name, then by number. */
struct settings_problems {
    struct buf sentences, names;
    size_t count;
    size_t unnamed;
};

#define PROBLEM_SIZE sizeof(((struct settings_labels *)NULL)->problem)

static void problems_release(struct settings_problems *problems) {
    buf_release(&problems->sentences);
    buf_release(&problems->names);
}

static void problems_note(struct settings_problems *problems, const char *label,
                          const struct err *err) {
    buf_printf(&problems->sentences, "%s%s", problems->count ? "; " : "", err->message);
    struct err name = ERR_INIT; /* replaces control bytes in the label's name */
    (void)err_set(&name, ERR_INVALID, "%s", label);
    if (problems->names.len + strlen(name.message) + 2 > problems->names.max) {
        problems->unnamed++;
    } else {
        buf_printf(&problems->names, "%s%s", problems->names.len ? ", " : "", name.message);
    }
    problems->count++;
}

static void problems_write(const struct settings_problems *problems, char out[PROBLEM_SIZE]) {
    if (!problems->sentences.overflow) {
        (void)snprintf(out, PROBLEM_SIZE, "%s", buf_text(&problems->sentences));
        return;
    }
    int used = snprintf(out, PROBLEM_SIZE, "%zu faulty labels: %s", problems->count,
                        buf_text(&problems->names));
    if (problems->unnamed > 0 && used > 0 && (size_t)used < PROBLEM_SIZE) {
        (void)snprintf(out + used, PROBLEM_SIZE - (size_t)used, " and %zu more", problems->unnamed);
    }
}

void settings_from_labels(const json_t *labels, const char *prefix, struct settings *in_out,
                          struct settings_labels *out) {
    *out = (struct settings_labels){.enable = SETTINGS_ENABLE_UNSET};
    CLEANUP(problems_release)
    struct settings_problems problems = {.sentences = BUF_INIT(PROBLEM_SIZE - 1),
                                         .names = BUF_INIT(PROBLEM_SIZE - 72)};
    size_t prefix_len = strlen(prefix);
    const char *label;
    json_t *value;
    json_object_foreach((json_t *)labels, label, value) {
        if (strncmp(label, prefix, prefix_len) != 0) {
            continue;
        }
        struct err err = ERR_INIT;
        struct settings_label one = {label, label + prefix_len, json_string_value(value)};
        if (!apply_label(&one, in_out, out, &err)) {
            problems_note(&problems, label, &err);
        }
    }
    if (problems.count > 0) {
        problems_write(&problems, out->problem);
    }
}

json_t *settings_json(const struct settings *settings) {
    static const char *const sources[] = {
        [SETTINGS_DEFAULT] = "default", [SETTINGS_LABEL] = "label"};
    json_t *all = json_object();
    for (size_t i = 0; i < SETTINGS_KEYS; i++) {
        json_t *one = json_object();
        (void)json_object_set_new(one, "value", settings_table[i].show(settings));
        (void)json_object_set_new(one, "source", json_string(sources[settings->sources[i]]));
        (void)json_object_set_new(all, settings_table[i].key, one);
    }
    return all;
}
