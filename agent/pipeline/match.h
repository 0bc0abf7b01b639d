/* From pushes to updates: which targets run the image that was pushed. */
#ifndef LANDWAITER_AGENT_PIPELINE_MATCH_H
#define LANDWAITER_AGENT_PIPELINE_MATCH_H

#include <stdbool.h>

#include "agent/pipeline/pipeline.h"

/* Is that push of interest for that target? The policy's verdict for the target's tag and the
 * push's. A push by digest alone is about every tag. */
struct policy_verdict match_verdict(const struct target *target, const struct ref *pushed);

/* Looks at the pushes that a platform has not looked at yet (a bounded number) and stores an update
 * for each target concerned, in one transaction. *more: there are further ones. Fails as the
 * platform or the store does; nothing is stored then. */
bool match_platform(struct pipeline *pipeline, const struct platform *platform, bool *more,
                    struct err *err) MUST_USE;

#endif
