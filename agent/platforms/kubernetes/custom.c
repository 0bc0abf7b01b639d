/* Judges a custom resource. Assumes no member of its status. */
#include "agent/platforms/kubernetes/custom.h"

#include <stdlib.h>
#include <string.h>

#include "agent/platforms/kubernetes/condition.h"
#include "agent/platforms/watched.h"
#include "base/json.h"

#define CUSTOM_WORDS 160

/* Facts about the controllers behind API groups. */
struct custom_group {
    const char *group;
    bool ready; /* always sets the condition Ready, once it has seen the object */
    bool phase; /* status.phase is always set and counts */
    bool final; /* Ready "False" is final */
};

static const struct custom_group custom_groups[] = {
    {"helm.toolkit.fluxcd.io", true, false, false},
    {"argoproj.io", false, true, false},
    {"serving.knative.dev", true, false, true},
};

static const struct custom_group *custom_group(const json_t *object) {
    static const struct custom_group other = {NULL, false, false, false};
    const char *version = json_text(object, "apiVersion");
    for (size_t i = 0; version && i < ARRAY_LENGTH(custom_groups); i++) {
        size_t len = strlen(custom_groups[i].group);
        if (strncmp(version, custom_groups[i].group, len) == 0 && version[len] == '/') {
            return &custom_groups[i];
        }
    }
    return &other;
}

/* Some controllers write it as a text. False: absent. */
static bool custom_observed(const json_t *object, int64_t *out) {
    const json_t *value = json_member(json_object_member(object, "status"), "observedGeneration");
    const char *text = json_string_value(value);
    char *end = NULL;
    if (text) {
        *out = strtoll(text, &end, 10);
        return end != text && *end == '\0';
    }
    *out = json_integer_value(value);
    return json_is_integer(value);
}

bool custom_numbered(const json_t *object) {
    int64_t observed = 0;
    return custom_observed(object, &observed);
}

static int64_t custom_generation(const struct rollout_facts *facts) {
    int64_t now = json_int(json_object_member(facts->workload, "metadata"), "generation", 0);
    return now > facts->generation ? now : facts->generation;
}

/* A condition about the object's present generation; NULL: none. */
static const json_t *custom_condition(const struct rollout_facts *facts, const char *type) {
    const json_t *condition = condition_find(facts->workload, type);
    int64_t generation = custom_generation(facts);
    return json_int(condition, "observedGeneration", generation) >= generation ? condition : NULL;
}

static void custom_say(char *reason, const char *what, const json_t *said, const char *member) {
    char words[CUSTOM_WORDS + 1];
    const char *text = json_text(said, member);
    watched_clean(text ? text : "", words, sizeof words);
    (void)snprintf(reason, REASON_SIZE, "%s%s%s", what, words[0] ? ": " : "", words);
}

/* Did its controller give up? Statements from before the change do not count, unless they name
 * their generation. */
static bool custom_failed(const struct rollout_facts *facts, char *reason) {
    static const struct {
        const char *type, *says;
    } ends[] = {{"Stalled", "its controller has given up"}, {"Failed", "it has failed"}};
    const json_t *ready = custom_condition(facts, "Ready");
    bool numbered = custom_numbered(facts->workload);
    for (size_t i = 0; i < ARRAY_LENGTH(ends); i++) {
        const json_t *condition = custom_condition(facts, ends[i].type);
        if (condition_is(condition, "status", "True") &&
            (numbered || condition_anew(condition, facts->before))) {
            custom_say(reason, ends[i].says, condition, "message");
            return true;
        }
    }
    if (custom_group(facts->workload)->final && condition_is(ready, "status", "False")) {
        custom_say(reason, "it is not ready", ready, "message");
        return true;
    }
    return false;
}

static enum rollout_state custom_phase(const json_t *status, char *reason) {
    const char *phase = json_text(status, "phase");
    if (phase && strcmp(phase, "Healthy") == 0) {
        return ROLLOUT_STANDS;
    }
    if (phase && strcmp(phase, "Degraded") == 0) {
        custom_say(reason, "it is degraded", status, "message");
        return ROLLOUT_FAILS;
    }
    custom_say(reason, "its phase", status, "phase");
    return ROLLOUT_WAITS;
}

enum rollout_state custom_judge(const struct rollout_facts *facts, char out_reason[REASON_SIZE]) {
    const struct custom_group *group = custom_group(facts->workload);
    const json_t *status = json_object_member(facts->workload, "status");
    const json_t *going = custom_condition(facts, "Reconciling");
    int64_t observed = 0;
    if (custom_observed(facts->workload, &observed) && observed < custom_generation(facts)) {
        const bool seen = json_member(going, "observedGeneration") != NULL;
        custom_say(out_reason,
                   seen ? "its controller is working on it" : "its controller has not seen it yet",
                   seen ? going : NULL, "message");
        return ROLLOUT_WAITS;
    }
    if (custom_failed(facts, out_reason)) {
        return ROLLOUT_FAILS;
    }
    if (group->phase) {
        return custom_phase(status, out_reason);
    }
    if (condition_is(going, "status", "True")) {
        custom_say(out_reason, "its controller is working on it", going, "message");
        return ROLLOUT_WAITS;
    }
    const json_t *ready = custom_condition(facts, "Ready");
    if (ready ? !condition_is(ready, "status", "True")
              : group->ready || condition_find(facts->workload, "Ready")) {
        custom_say(out_reason, "it is not ready", ready, "message");
        return ROLLOUT_WAITS;
    }
    return ROLLOUT_STANDS;
}
