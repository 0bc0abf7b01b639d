/* Quay: one repository and the tags that were pushed, without digests (protocols.md section 1.5).
 */
#ifndef LANDWAITER_WEBHOOK_SOURCES_QUAY_H
#define LANDWAITER_WEBHOOK_SOURCES_QUAY_H

#include "webhook/source.h"

/* As `parse` in struct source. */
bool quay_parse(const struct source_request *request, struct source_result *out,
                struct err *err) MUST_USE;

#endif
