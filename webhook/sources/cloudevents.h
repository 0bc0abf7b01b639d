/* CloudEvents of any of those who send them: CDEvents, Harbor, Zot, and otherwise an event whose
 * data is a native body (protocols.md section 1.16). */
#ifndef LANDWAITER_WEBHOOK_SOURCES_CLOUDEVENTS_H
#define LANDWAITER_WEBHOOK_SOURCES_CLOUDEVENTS_H

#include "webhook/source.h"

/* As `parse` in struct source. */
bool cloudevents_parse(const struct source_request *request, struct source_result *out,
                       struct err *err) MUST_USE;

#endif
