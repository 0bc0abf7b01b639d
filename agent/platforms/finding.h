/* Findings of the doctor, by whoever looks. */
#ifndef LANDWAITER_AGENT_PLATFORMS_FINDING_H
#define LANDWAITER_AGENT_PLATFORMS_FINDING_H

#include <jansson.h>

#include "base/own.h"

/* In a report; worst first. */
enum finding_level { FINDING_ERROR, FINDING_WARNING, FINDING_NOTE, FINDING_LEVELS };
extern const char *const finding_levels[FINDING_LEVELS]; /* "error", "warning", "note" */

#define FINDINGS_MAX 500 /* in one report; what is beyond is left */

struct finding {
    enum finding_level level;
    const char *about;  /* "docker", a target's name, "clock" */
    const char *advice; /* what to do */
};

/* Adds one to a report, an array: message is what is found, made like printf. */
void finding_add(json_t *report, const struct finding *finding, const char *message, ...)
    PRINTF_LIKE(3, 4);

#endif
