/* What would bite: `landwaiter doctor` (interface.md sections 1 and 8). Looks, and changes nothing.
 */
#ifndef LANDWAITER_AGENT_VIEWS_DOCTOR_H
#define LANDWAITER_AGENT_VIEWS_DOCTOR_H

#include <jansson.h>

#include "agent/pipeline/pipeline.h"
#include "agent/platforms/finding.h"

/* {"ok": true, "findings": [{"level", "about", "message", "advice"}]}, the worst first; ok without
 * an error. Asks the platforms; blocks. New reference. */
json_t *doctor_examine(struct pipeline *pipeline) MUST_USE;

#endif
