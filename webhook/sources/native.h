/* The native body (interface.md section 4): strict JSON that names one image or up to
 * SOURCE_IMAGES_MAX. */
#ifndef LANDWAITER_WEBHOOK_SOURCES_NATIVE_H
#define LANDWAITER_WEBHOOK_SOURCES_NATIVE_H

#include "webhook/source.h"

/* As `parse` in struct source. ERR_INVALID for anything that the format does not have, unknown
 * members included; nothing ever becomes `latest`. The caller releases *out. */
bool native_parse(const struct source_request *request, struct source_result *out,
                  struct err *err) MUST_USE;

#endif
