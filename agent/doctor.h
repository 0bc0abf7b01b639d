/* What would bite: `landwaiter doctor` (interface.md sections 1 and 8). Looks, and changes nothing.
 */
#ifndef LANDWAITER_AGENT_DOCTOR_H
#define LANDWAITER_AGENT_DOCTOR_H

#include <jansson.h>

#include "agent/finding.h"
#include "agent/pipeline/pipeline.h"

/* {"ok": true, "findings": [{"level", "about", "message", "advice"}]}, the worst first; ok without
 * an error. Asks the platforms; blocks. New reference. */
json_t *doctor_examine(struct pipeline *pipeline) MUST_USE;

#endif
