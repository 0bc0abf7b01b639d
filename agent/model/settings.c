/* The settings of one target: owns their table, their limits and how labels are read. Never
 * guesses: a target with a faulty label is left alone. */
#include "agent/model/settings.h"

#include <string.h>

#include "agent/model/suggest.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/size.h"

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

static bool parse_policy(const char *text, struct settings *out, struct err *err) {
    return policy_parse(text, &out->policy, err);
}

bool settings_name_valid(const char *name) {
    size_t len = strlen(name);
    bool begins = strchr("-_.", name[0]) == NULL; /* strchr finds the end of an empty name, too */
    return begins && len < SETTINGS_NAME_SIZE &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == len;
}

static bool refuse_name(const char *name, struct err *err) {
    return err_set(err, ERR_INVALID,
                   "\"%.64s\" is not a name; write at most %d letters, digits, '-', '_' and '.'",
                   name, SETTINGS_NAME_SIZE - 1);
}

static bool names_have(const struct settings_names *names, const char *name) {
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->items[i], name) == 0) {
            return true;
        }
    }
    return false;
}

/* Adds one name of a list, without the blanks around it, unless the list has it already. */
static bool add_name(const char *text, size_t len, struct settings_names *out, struct err *err) {
    char name[SETTINGS_NAME_SIZE + 1]; /* one byte more, to find a name that is too long */
    while (len > 0 && (text[0] == ' ' || text[0] == '\t')) {
        text++;
        len--;
    }
    while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\t')) {
        len--;
    }
    (void)snprintf(name, sizeof name, "%.*s", (int)(len < sizeof name ? len : sizeof name), text);
    if (!settings_name_valid(name)) {
        return refuse_name(name, err);
    }
    if (names_have(out, name)) {
        return true;
    }
    if (out->count == SETTINGS_NAMES_MAX) {
        return err_set(err, ERR_INVALID, "there are more than %d names; write fewer",
                       SETTINGS_NAMES_MAX);
    }
    memcpy(out->items[out->count++], name, strlen(name) + 1);
    return true;
}

static bool parse_names(const char *text, struct settings_names *out, struct err *err) {
    struct settings_names names = {.count = 0};
    for (const char *at = text;; at++) {
        size_t len = strcspn(at, ",");
        if (!add_name(at, len, &names, err)) {
            return false;
        }
        at += len;
        if (*at == '\0') {
            break;
        }
    }
    *out = names;
    return true;
}

static bool parse_windows(const char *text, struct settings *out, struct err *err) {
    return parse_names(text, &out->windows, err);
}

static bool parse_depends_on(const char *text, struct settings *out, struct err *err) {
    return parse_names(text, &out->depends_on, err);
}

static bool parse_group(const char *text, struct settings *out, struct err *err) {
    if (!settings_name_valid(text)) {
        return refuse_name(text, err);
    }
    (void)snprintf(out->group, sizeof out->group, "%s", text);
    return true;
}

static bool parse_approval(const char *text, struct settings *out, struct err *err) {
    bool required = strcmp(text, "required") == 0;
    if (!required && strcmp(text, "none") != 0) {
        return err_set(err, ERR_INVALID, "\"%.64s\" is neither; write none or required", text);
    }
    out->approval_required = required;
    return true;
}

static bool parse_approval_expires(const char *text, struct settings *out, struct err *err) {
    static const struct settings_range range = {60 * SECOND_MS, 365 * DAY_MS, "1m to 365d"};
    return parse_duration(text, &range, &out->approval_expires_ms, err);
}

static bool parse_min_free_memory(const char *text, struct settings *out, struct err *err) {
    return size_parse(text, &out->min_free_memory) ||
           err_set(err, ERR_INVALID,
                   "\"%.64s\" is not a size; write a whole number and a unit: 512MiB, 1GiB, or 0",
                   text);
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

static bool parse_managed(const char *text, struct settings *out, struct err *err) {
    return parse_flag(text, &out->managed, err);
}

static bool parse_stop_timeout(const char *text, struct settings *out, struct err *err) {
    static const struct settings_range range = {0, HOUR_MS, "0s to 1h"};
    return parse_duration(text, &range, &out->stop_timeout_ms, err);
}

/* Seconds (interface.md section 8), without decimals if they are whole. */
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

static json_t *show_names(const struct settings_names *names) {
    json_t *list = json_array();
    for (size_t i = 0; i < names->count; i++) {
        (void)json_array_append_new(list, json_string(names->items[i]));
    }
    return list;
}

static json_t *show_windows(const struct settings *settings) {
    return show_names(&settings->windows);
}

static json_t *show_approval(const struct settings *settings) {
    return json_string(settings->approval_required ? "required" : "none");
}

static json_t *show_approval_expires(const struct settings *settings) {
    return show_duration(settings->approval_expires_ms);
}

static json_t *show_group(const struct settings *settings) {
    return settings->group[0] ? json_string(settings->group) : json_null();
}

static json_t *show_depends_on(const struct settings *settings) {
    return show_names(&settings->depends_on);
}

static json_t *show_min_free_memory(const struct settings *settings) {
    return json_integer(settings->min_free_memory);
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

static json_t *show_managed(const struct settings *settings) {
    return json_boolean(settings->managed);
}

static json_t *show_stop_timeout(const struct settings *settings) {
    return show_duration(settings->stop_timeout_ms);
}

const struct settings_row settings_table[SETTINGS_KEYS] = {
    [SETTINGS_POLICY] =
        {"policy", "policy",
         "digest, major, minor, patch, semver:RANGE, glob:PATTERN, regex:PATTERN, "
         "force or never",
         "the accepted tags: `digest` follows the running tag, "
         "`major`, `minor`, `patch` and `semver:` take newer versions within that "
         "bound, `glob:` and `regex:` matching tags, `force` every tag, `never` none",
         parse_policy, show_policy},
    [SETTINGS_WINDOWS] =
        {"windows", "windows", "names, comma separated",
         "an update may start while one of these windows is open; `always` is always open",
         parse_windows, show_windows},
    [SETTINGS_APPROVAL] = {"approval", "approval", "none or required",
                           "`required`: a person must approve each update", parse_approval,
                           show_approval},
    [SETTINGS_APPROVAL_EXPIRES] = {"approval-expires", NULL, "a duration, 1m to 365d",
                                   "time limit of an approval; the update is then cancelled",
                                   parse_approval_expires, show_approval_expires},
    [SETTINGS_HEALTH_TIMEOUT] = {"health-timeout", "health-timeout", "a duration, 1s to 24h",
                                 "how long a new container may take to become healthy before it is "
                                 "rolled back",
                                 parse_health_timeout, show_health_timeout},
    [SETTINGS_SOAK] = {"soak", "soak", "a duration, 0s to 24h",
                       "how long it must then stay up before the update counts as done", parse_soak,
                       show_soak},
    [SETTINGS_ROLLBACK] = {"rollback", "rollback", "true or false",
                           "put the old container back if the new one is not healthy",
                           parse_rollback, show_rollback},
    [SETTINGS_GROUP] = {"group", "group", "a name",
                        "targets of one group are updated one at a time", parse_group, show_group},
    [SETTINGS_DEPENDS_ON] = {"depends-on", "depends-on", "names, comma separated",
                             "targets or groups whose open updates must end first",
                             parse_depends_on, show_depends_on},
    [SETTINGS_STOP_TIMEOUT] = {"stop-timeout", "stop-timeout", "a duration, 0s to 1h",
                               "how long the old container may take to stop before it is killed; "
                               "not written: the container's own",
                               parse_stop_timeout, show_stop_timeout},
    [SETTINGS_MIN_FREE_MEMORY] = {"min-free-memory", "min-free-memory",
                                  "a size like 512MiB or 1GiB, or 0",
                                  "wait while less memory than this is available on the host",
                                  parse_min_free_memory, show_min_free_memory},
    [SETTINGS_MANAGED] = {"managed", "managed", "true or false",
                          "Kubernetes: update it even if Helm, Flux or Argo CD manages it, and may "
                          "restore its own image",
                          parse_managed, show_managed},
};

/* Keys of interface.md section 3 that restrict when or how a target is updated. Ignoring one would
 * update the target against its owner's will. */
static const char *const settings_later[] = {"pre-update", "post-update", "wait-idle"};

void settings_init(struct settings *settings) {
    *settings = (struct settings){
        .policy = {.kind = POLICY_DIGEST},
        .approval_expires_ms = 7 * DAY_MS,
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
    settings->sources[key].written = true;
    return true;
}

void settings_take(struct settings *to, const struct settings *from, enum settings_key key) {
#define MEMBER(name)                                                                               \
    { offsetof(struct settings, name), sizeof(((struct settings *)NULL)->name) }
    static const struct {
        size_t at, size;
    } members[SETTINGS_KEYS] = {
        [SETTINGS_POLICY] = MEMBER(policy),
        [SETTINGS_WINDOWS] = MEMBER(windows),
        [SETTINGS_APPROVAL] = MEMBER(approval_required),
        [SETTINGS_APPROVAL_EXPIRES] = MEMBER(approval_expires_ms),
        [SETTINGS_HEALTH_TIMEOUT] = MEMBER(health_timeout_ms),
        [SETTINGS_SOAK] = MEMBER(soak_ms),
        [SETTINGS_ROLLBACK] = MEMBER(rollback),
        [SETTINGS_GROUP] = MEMBER(group),
        [SETTINGS_DEPENDS_ON] = MEMBER(depends_on),
        [SETTINGS_STOP_TIMEOUT] = MEMBER(stop_timeout_ms),
        [SETTINGS_MIN_FREE_MEMORY] = MEMBER(min_free_memory),
        [SETTINGS_MANAGED] = MEMBER(managed),
    };
#undef MEMBER
    memcpy((char *)to + members[key].at, (const char *)from + members[key].at, members[key].size);
    to->sources[key] = from->sources[key];
}

/* key: the part of label after the prefix. word: the kind of label, for messages. */
struct settings_label {
    const char *word, *label, *key, *value;
};

static bool unknown_label(const struct settings_label *one, struct err *err) {
    const char *word = one->word, *label = one->label, *key = one->key;
    for (size_t i = 0; i < ARRAY_LENGTH(settings_later); i++) {
        if (strcmp(settings_later[i], key) == 0) {
            return err_set(err, ERR_INVALID, "%s %.100s is not supported by this version yet", word,
                           label);
        }
    }
    struct suggest suggest = SUGGEST_INIT(key);
    suggest_offer(&suggest, "enable");
    for (size_t i = 0; i < SETTINGS_KEYS; i++) {
        if (settings_table[i].label) {
            suggest_offer(&suggest, settings_table[i].label);
        }
    }
    for (size_t i = 0; i < ARRAY_LENGTH(settings_later); i++) {
        suggest_offer(&suggest, settings_later[i]);
    }
    if (!suggest.nearest) {
        return err_set(err, ERR_INVALID, "unknown %s %.100s", word, label);
    }
    return err_set(err, ERR_INVALID, "unknown %s %.100s: did you mean %.*s%s?", word, label,
                   (int)(key - label), label, suggest.nearest);
}

static bool apply_enable(const struct settings_label *label, struct settings_labels *out,
                         struct err *err) {
    bool enable = false;
    if (!parse_flag(label->value, &enable, err)) {
        return false;
    }
    out->enable = enable ? SETTINGS_ENABLE_TRUE : SETTINGS_ENABLE_FALSE;
    return true;
}

static bool apply_key(const struct settings_label *label, enum settings_key key,
                      const struct settings_reading *reading, struct settings *settings,
                      struct err *err) {
    if (!settings_set(settings, key, label->value, err)) {
        return false;
    }
    settings->sources[key] = (struct settings_source){.kind = reading->kind, .written = true};
    return !reading->check || reading->check(settings, key, reading->context, err);
}

static bool apply_label(const struct settings_label *label, const struct settings_reading *reading,
                        struct settings *settings, struct settings_labels *out, struct err *err) {
    if (!label->value) {
        return err_set(err, ERR_INVALID, "%s %.100s: its value is not a string", label->word,
                       label->label);
    }
    if (strcmp(label->key, "enable") == 0) {
        return apply_enable(label, out, err) ||
               err_wrap(err, "%s %.100s", label->word, label->label);
    }
    for (int i = 0; i < SETTINGS_KEYS; i++) {
        const char *known = settings_table[i].label;
        if (known && strcmp(known, label->key) == 0) {
            return apply_key(label, (enum settings_key)i, reading, settings, err) ||
                   err_wrap(err, "%s %.100s", label->word, label->label);
        }
    }
    return unknown_label(label, err);
}

/* Reports every faulty label: in a sentence while there is room, then by name, then by number. */
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

void settings_from_labels(const json_t *labels, const struct settings_reading *reading,
                          struct settings *in_out, struct settings_labels *out) {
    *out = (struct settings_labels){.enable = SETTINGS_ENABLE_UNSET};
    CLEANUP(problems_release)
    struct settings_problems problems = {.sentences = BUF_INIT(PROBLEM_SIZE - 1),
                                         .names = BUF_INIT(PROBLEM_SIZE - 72)};
    size_t prefix_len = strlen(reading->prefix);
    const char *word = reading->kind == SETTINGS_ANNOTATION ? "annotation" : "label";
    const char *label;
    json_t *value;
    json_object_foreach((json_t *)labels, label, value) {
        if (strncmp(label, reading->prefix, prefix_len) != 0) {
            continue;
        }
        struct err err = ERR_INIT;
        struct settings_label one = {word, label, label + prefix_len, json_string_value(value)};
        if (!apply_label(&one, reading, in_out, out, &err)) {
            problems_note(&problems, label, &err);
        }
    }
    if (problems.count > 0) {
        problems_write(&problems, out->problem);
    }
}

static json_t *show_source(const struct settings_source *source) {
    switch (source->kind) {
    case SETTINGS_RULE:
        return json_sprintf("rule %u", source->rule);
    case SETTINGS_LABEL:
        return json_string("label");
    case SETTINGS_ANNOTATION:
        return json_string("annotation");
    case SETTINGS_DEFAULT:
        break;
    }
    return json_string("default");
}

json_t *settings_json(const struct settings *settings) {
    json_t *all = json_object();
    for (size_t i = 0; i < SETTINGS_KEYS; i++) {
        json_t *one = json_object();
        (void)json_object_set_new(one, "value", settings_table[i].show(settings));
        (void)json_object_set_new(one, "source", show_source(&settings->sources[i]));
        (void)json_object_set_new(all, settings_table[i].key, one);
    }
    return all;
}
