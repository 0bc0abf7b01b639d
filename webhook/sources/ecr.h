/* Amazon ECR: an event of EventBridge (protocols.md section 1.10). */
#ifndef LANDWAITER_WEBHOOK_SOURCES_ECR_H
#define LANDWAITER_WEBHOOK_SOURCES_ECR_H

#include "base/json.h"
#include "webhook/source.h"

/* As `parse` in struct source. */
bool ecr_parse(const struct source_request *request, struct source_result *out,
               struct err *err) MUST_USE;

/* The event itself. */
bool ecr_read(const struct source_request *request, const json_t *root, struct source_result *out,
              struct err *err) MUST_USE;

#endif
