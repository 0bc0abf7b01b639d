/* Finds problems before they occur: `landwaiter doctor` (interface.md sections 1 and 8). Changes
 * nothing. */
#ifndef LANDWAITER_AGENT_VIEWS_DOCTOR_H
#define LANDWAITER_AGENT_VIEWS_DOCTOR_H

#include <jansson.h>

#include "agent/pipeline/pipeline.h"
#include "agent/platforms/finding.h"

/* {"ok": true, "findings": [{"level", "about", "message", "advice"}]}, the worst first; ok: no
 * finding is an error. Asks the platforms; blocks. Returns a new reference. */
json_t *doctor_examine(struct pipeline *pipeline) MUST_USE;

#endif
