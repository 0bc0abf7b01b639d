/* Azure Container Registry: one event of the shape of distribution's (protocols.md section 1.9). */
#ifndef LANDWAITER_WEBHOOK_SOURCES_ACR_H
#define LANDWAITER_WEBHOOK_SOURCES_ACR_H

#include "webhook/source.h"

/* As `parse` in struct source. */
bool acr_parse(const struct source_request *request, struct source_result *out,
               struct err *err) MUST_USE;

#endif
