/* Drone: a build that ended; which images it pushed, `implies` says (protocols.md section 1.15). */
#ifndef LANDWAITER_WEBHOOK_SOURCES_DRONE_H
#define LANDWAITER_WEBHOOK_SOURCES_DRONE_H

#include "webhook/source.h"

/* As `parse` in struct source. */
bool drone_parse(const struct source_request *request, struct source_result *out,
                 struct err *err) MUST_USE;

#endif
