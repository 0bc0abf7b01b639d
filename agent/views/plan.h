/* What a push of an image would do now, target by target, and why (interface.md section 8, `plan`).
 * Changes nothing. */
#ifndef LANDWAITER_AGENT_VIEWS_PLAN_H
#define LANDWAITER_AGENT_VIEWS_PLAN_H

#include <jansson.h>

#include "agent/pipeline/pipeline.h"

/* image: with a tag, a digest or both. Asks the platforms and the registry; a registry that does
 * not answer is a target's verdict, a platform that does not is the plan's error. What the platform
 * would refuse is asked for the first PLAN_CHECKS_MAX targets that would be updated; of more, it
 * shows only when it is tried. *out: a new reference. */
#define PLAN_CHECKS_MAX 20
bool plan_make(struct pipeline *pipeline, const struct ref *image, json_t **out,
               struct err *err) MUST_USE;
/* All targets that the platforms know of, as the documents of `targets`. */
bool plan_targets(struct pipeline *pipeline, json_t **out, struct err *err) MUST_USE;

#endif
