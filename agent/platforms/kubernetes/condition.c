/* Finds conditions. */
#include "agent/platforms/kubernetes/condition.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"

#define CONDITION_TEXT 128
#define CONDITIONS_MAX 32

const json_t *condition_find(const json_t *object, const char *type) {
    const json_t *status = json_object_member(object, "status");
    size_t i = 0;
    json_t *condition = NULL;
    json_array_foreach(json_array_member(status, "conditions"), i, condition) {
        if (condition_is(condition, "type", type)) {
            return condition;
        }
    }
    return NULL;
}

bool condition_is(const json_t *condition, const char *member, const char *text) {
    const char *there = json_text(condition, member);
    return there && strcmp(there, text) == 0;
}

bool condition_true(const json_t *object, const char *type) {
    return condition_is(condition_find(object, type), "status", "True");
}

/* A condition as one text; "" if there is none. */
static void condition_text(const json_t *condition, char out[static CONDITION_TEXT]) {
    const char *at = json_text(condition, "lastUpdateTime");
    const char *status = json_text(condition, "status");
    const char *reason = json_text(condition, "reason");
    (void)snprintf(out, CONDITION_TEXT, "%s %s %s", at ? at : "", status ? status : "",
                   reason ? reason : "");
}

json_t *condition_said(const json_t *workload) {
    json_t *said = json_object();
    size_t i = 0;
    json_t *condition = NULL;
    json_array_foreach(json_array_member(json_object_member(workload, "status"), "conditions"), i,
                       condition) {
        const char *type = json_text(condition, "type");
        char text[CONDITION_TEXT];
        if (type && i < CONDITIONS_MAX) {
            condition_text(condition, text);
            (void)json_object_set_new(said, type, json_text_or_null(text));
        }
    }
    return said;
}

bool condition_anew(const json_t *condition, const json_t *before) {
    const char *type = json_text(condition, "type");
    const char *then = type ? json_text(before, type) : NULL;
    char text[CONDITION_TEXT];
    condition_text(condition, text);
    return !then || strcmp(then, text) != 0;
}
