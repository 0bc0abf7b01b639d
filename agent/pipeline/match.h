/* Matches pushes to targets that run the pushed image, and makes the updates. */
#ifndef LANDWAITER_AGENT_PIPELINE_MATCH_H
#define LANDWAITER_AGENT_PIPELINE_MATCH_H

#include <stdbool.h>

#include "agent/pipeline/pipeline.h"

/* Does that push concern that target? Gives the policy's verdict for the target's tag and the
 * push's. A push by digest alone concerns every tag. */
struct policy_verdict match_verdict(const struct target *target, const struct ref *pushed);

/* Matches the next pushes of a platform (a bounded number) and stores an update for each target
 * concerned, in one transaction. *more: further pushes wait. On failure of the platform or the
 * store nothing is stored. */
bool match_platform(struct pipeline *pipeline, const struct platform *platform, bool *more,
                    struct err *err) MUST_USE;

#endif
