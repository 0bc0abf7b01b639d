/* Zot: CloudEvents in binary mode; it names no host, so the registry is configured (protocols.md
 * section 1.8). */
#ifndef LANDWAITER_WEBHOOK_SOURCES_ZOT_H
#define LANDWAITER_WEBHOOK_SOURCES_ZOT_H

#include "base/json.h"
#include "webhook/source.h"

/* As `parse` in struct source. */
bool zot_parse(const struct source_request *request, struct source_result *out,
               struct err *err) MUST_USE;

/* An event's data. */
bool zot_read(const struct source_request *request, const char *type, const json_t *data,
              struct source_result *out, struct err *err) MUST_USE;

#endif
