/* Conditions in the status of the API's objects. Pure; safe on whatever stands there. */
#ifndef LANDWAITER_AGENT_PLATFORMS_KUBERNETES_CONDITION_H
#define LANDWAITER_AGENT_PLATFORMS_KUBERNETES_CONDITION_H

#include <jansson.h>
#include <stdbool.h>

#include "base/own.h"

/* Of an object's status; borrowed, NULL when there is none of that type. */
const json_t *condition_find(const json_t *object, const char *type);
/* Is that member of a condition that text? */
bool condition_is(const json_t *condition, const char *member, const char *text);
/* Does the object's status say "True" to it? */
bool condition_true(const json_t *object, const char *type);

/* What its conditions say now, as an object of strings: what still says the same after a patch
 * tells nothing of it, as the controller's times are of whole seconds. New reference. */
json_t *condition_said(const json_t *workload) MUST_USE;
/* Does a condition say something that it did not say before the patch? */
bool condition_anew(const json_t *condition, const json_t *before);

#endif
