/* Faults of a configuration, for people and for scripts (interface.md sections 1 and 8). */
#ifndef LANDWAITER_AGENT_CONFIG_REPORT_H
#define LANDWAITER_AGENT_CONFIG_REPORT_H

#include <stdio.h>

#include "agent/config/config.h"
#include "base/json.h"

/* Prints each on a line `FILE:LINE:COL: message`, warnings as `FILE:LINE:COL: warning: message`,
 * and `FILE: message` for a fault without a place. Replaces control bytes. */
void config_report(const char *path, const struct config_faults *faults, FILE *out);

/* {"ok": …, "faults": […], "warnings": […]}, entries {"file", "line", "column", "message"}; line
 * and column are null for a fault without a place. New reference; NULL: out of memory. */
json_t *config_report_json(const char *path, const struct config_faults *faults);

#endif
