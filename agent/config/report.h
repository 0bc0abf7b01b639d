/* A configuration's faults for people and for scripts (interface.md sections 1 and 8). */
#ifndef LANDWAITER_AGENT_CONFIG_REPORT_H
#define LANDWAITER_AGENT_CONFIG_REPORT_H

#include <stdio.h>

#include "agent/config/config.h"
#include "base/json.h"

/* Each on a line `FILE:LINE:COL: message`, warnings as `FILE:LINE:COL: warning: message`; `FILE:
 * message` where a fault is about no place in the file. Without control bytes. */
void config_report(const char *path, const struct config_faults *faults, FILE *out);

/* {"ok": …, "faults": […], "warnings": […]}, entries {"file", "line", "column", "message"}; line
 * and column are null for no place. New reference; NULL: out of memory. */
json_t *config_report_json(const char *path, const struct config_faults *faults);

#endif
