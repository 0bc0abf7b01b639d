/* Google Artifact Registry and Container Registry through Pub/Sub (protocols.md section 1.11). */
#ifndef LANDWAITER_WEBHOOK_SOURCES_GAR_H
#define LANDWAITER_WEBHOOK_SOURCES_GAR_H

#include "webhook/source.h"

/* As `parse` in struct source. */
bool gar_parse(const struct source_request *request, struct source_result *out,
               struct err *err) MUST_USE;

#endif
