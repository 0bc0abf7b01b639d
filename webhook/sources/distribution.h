/* CNCF distribution and what embeds it: events of manifests; the host in them is what the pushing
 * client said, so the registry is configured (protocols.md section 1.7). */
#ifndef LANDWAITER_WEBHOOK_SOURCES_DISTRIBUTION_H
#define LANDWAITER_WEBHOOK_SOURCES_DISTRIBUTION_H

#include "webhook/source.h"

/* As `parse` in struct source. */
bool distribution_parse(const struct source_request *request, struct source_result *out,
                        struct err *err) MUST_USE;

#endif
