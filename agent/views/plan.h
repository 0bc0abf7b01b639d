/* The effect of a push of an image now, target by target, with reasons (interface.md section 8,
 * `plan`). Changes nothing. */
#ifndef LANDWAITER_AGENT_VIEWS_PLAN_H
#define LANDWAITER_AGENT_VIEWS_PLAN_H

#include <jansson.h>

#include "agent/pipeline/pipeline.h"

/* image: with a tag, a digest or both. Asks the platforms and the registry. A registry without an
 * answer becomes the target's verdict; a platform without one is the plan's error. Asks the
 * platforms for refusals of the first PLAN_CHECKS_MAX targets only; those of further ones show at
 * the update. *out: a new reference. */
#define PLAN_CHECKS_MAX 20
bool plan_make(struct pipeline *pipeline, const struct ref *image, json_t **out,
               struct err *err) MUST_USE;
/* All known targets, as the documents of `targets`. */
bool plan_targets(struct pipeline *pipeline, json_t **out, struct err *err) MUST_USE;

#endif
