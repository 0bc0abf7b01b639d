/* Harbor 2: artifacts, in its default format or as CloudEvents (protocols.md section 1.6). */
#ifndef LANDWAITER_WEBHOOK_SOURCES_HARBOR_H
#define LANDWAITER_WEBHOOK_SOURCES_HARBOR_H

#include "base/json.h"
#include "webhook/source.h"

/* As `parse` in struct source. */
bool harbor_parse(const struct source_request *request, struct source_result *out,
                  struct err *err) MUST_USE;

/* An event's data, of either format. */
bool harbor_read(const struct source_request *request, const char *type, const json_t *data,
                 struct source_result *out, struct err *err) MUST_USE;

#endif
