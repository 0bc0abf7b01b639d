/* Settings of a target: owns the precedence of rules and labels. agent/model/settings.c knows the
 * meaning of each. */
#include <fnmatch.h>

#include "agent/config/keys.h"
#include "policies/pattern.h"

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

/* `shop-*` may depend on `shop-db`, and all targets on the databases' group: a target must not wait
 * for itself. */
static void drop_own_name(const struct config_subject *subject, struct settings *settings) {
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

struct label_context {
    const struct config *config;
    const struct config_subject *subject;
};

/* Checks a label's value against the configuration. */
static bool check_label(const struct settings *settings, enum settings_key key, const void *context,
                        struct err *err) {
    const struct label_context *label = context;
    if (key == SETTINGS_WINDOWS) {
        return config_windows_known(label->config, &settings->windows, err);
    }
    if (key == SETTINGS_MIN_FREE_MEMORY && settings->min_free_memory > 0 &&
        strcmp(label->subject->platform, "docker") == 0 && label->config->docker.enabled &&
        config_docker_remote(&label->config->docker)) {
        return err_set(err, ERR_INVALID,
                       "the memory of an engine behind tcp:// cannot be read; remove it");
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
    const struct settings before = *out;
    const struct label_context context = {config, subject};
    struct settings_reading reading = {"landwaiter.", SETTINGS_LABEL, check_label, &context};
    if (subject->annotations) {
        reading.prefix = "landwaiter.dev/";
        reading.kind = SETTINGS_ANNOTATION;
    }
    settings_from_labels(subject->annotations ? subject->annotations : subject->labels, &reading,
                         out, labels);
    config_limits_apply(&config->limits, &before, out, labels);
    drop_own_name(subject, out);
}
