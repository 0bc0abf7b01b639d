/* CDEvents: a published artifact, named by a package URL (protocols.md section 1.16). */
#ifndef LANDWAITER_WEBHOOK_SOURCES_CDEVENTS_H
#define LANDWAITER_WEBHOOK_SOURCES_CDEVENTS_H

#include "webhook/source.h"

/* As `parse` in struct source. */
bool cdevents_parse(const struct source_request *request, struct source_result *out,
                    struct err *err) MUST_USE;

struct statement_event;
/* An event that is open already. */
bool cdevents_read(const struct statement_event *event, struct source_result *out,
                   struct err *err) MUST_USE;

#endif
