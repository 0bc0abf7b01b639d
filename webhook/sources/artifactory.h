/* JFrog Artifactory: a manifest in a repository; the host is configured (protocols.md
 * section 1.13). */
#ifndef LANDWAITER_WEBHOOK_SOURCES_ARTIFACTORY_H
#define LANDWAITER_WEBHOOK_SOURCES_ARTIFACTORY_H

#include "webhook/source.h"

/* As `parse` in struct source. */
bool artifactory_parse(const struct source_request *request, struct source_result *out,
                       struct err *err) MUST_USE;

#endif
