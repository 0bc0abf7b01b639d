/* Finds conditions. */
#include "agent/platforms/kubernetes/condition.h"

#include <string.h>

#include "base/json.h"

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
