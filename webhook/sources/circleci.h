/* CircleCI: a workflow that ended; which images it pushed, `implies` says (protocols.md section
 * 1.15). */
#ifndef LANDWAITER_WEBHOOK_SOURCES_CIRCLECI_H
#define LANDWAITER_WEBHOOK_SOURCES_CIRCLECI_H

#include "webhook/source.h"

/* As `parse` in struct source. */
bool circleci_parse(const struct source_request *request, struct source_result *out,
                    struct err *err) MUST_USE;

#endif
