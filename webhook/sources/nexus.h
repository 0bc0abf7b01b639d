/* Sonatype Nexus 3: a component of a docker repository, without a digest; which registry that is,
 * is configured (protocols.md section 1.12). */
#ifndef LANDWAITER_WEBHOOK_SOURCES_NEXUS_H
#define LANDWAITER_WEBHOOK_SOURCES_NEXUS_H

#include "webhook/source.h"

/* As `parse` in struct source. */
bool nexus_parse(const struct source_request *request, struct source_result *out,
                 struct err *err) MUST_USE;

#endif
