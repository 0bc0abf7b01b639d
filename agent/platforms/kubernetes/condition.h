/* Conditions in an object's status. Pure; accepts any content. */
#ifndef LANDWAITER_AGENT_PLATFORMS_KUBERNETES_CONDITION_H
#define LANDWAITER_AGENT_PLATFORMS_KUBERNETES_CONDITION_H

#include <jansson.h>
#include <stdbool.h>

#include "base/own.h"

/* The condition of that type; borrowed. NULL: none. */
const json_t *condition_find(const json_t *object, const char *type);
/* Does that member of a condition have that value? */
bool condition_is(const json_t *condition, const char *member, const char *text);
/* Is the condition's status "True"? */
bool condition_true(const json_t *object, const char *type);

/* Returns all present conditions as an object of strings, for a comparison after a patch: an
 * unchanged condition says nothing about the patch, and the controller's times have only whole
 * seconds. New reference. */
json_t *condition_said(const json_t *workload) MUST_USE;
/* Did the condition change since the patch? */
bool condition_anew(const json_t *condition, const json_t *before);

#endif
