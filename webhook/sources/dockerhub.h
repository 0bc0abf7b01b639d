/* Docker Hub: one tag of one repository, without a digest; callback_url is never called
 * (protocols.md section 1.1). */
#ifndef LANDWAITER_WEBHOOK_SOURCES_DOCKERHUB_H
#define LANDWAITER_WEBHOOK_SOURCES_DOCKERHUB_H

#include "webhook/source.h"

/* As `parse` in struct source. */
bool dockerhub_parse(const struct source_request *request, struct source_result *out,
                     struct err *err) MUST_USE;

#endif
