/* Findings of the doctor. */
#ifndef LANDWAITER_AGENT_PLATFORMS_FINDING_H
#define LANDWAITER_AGENT_PLATFORMS_FINDING_H

#include <jansson.h>

#include "base/own.h"

/* Worst first, the order of a report. */
enum finding_level { FINDING_ERROR, FINDING_WARNING, FINDING_NOTE, FINDING_LEVELS };
extern const char *const finding_levels[FINDING_LEVELS]; /* "error", "warning", "note" */

#define FINDINGS_MAX 500 /* in one report; drops the rest */

struct finding {
    enum finding_level level;
    const char *about;  /* "docker", a target's name, "clock" */
    const char *advice; /* remedy */
};

/* Adds a finding to a report, an array. message: a printf format of the finding itself. */
void finding_add(json_t *report, const struct finding *finding, const char *message, ...)
    PRINTF_LIKE(3, 4);

#endif
