/* Amazon SNS around an event of ECR (protocols.md section 1.10). Its SubscribeURL is shown to the
 * operator, and never called. */
#ifndef LANDWAITER_WEBHOOK_SOURCES_SNS_H
#define LANDWAITER_WEBHOOK_SOURCES_SNS_H

#include "webhook/source.h"

/* As `parse` in struct source. */
bool sns_parse(const struct source_request *request, struct source_result *out,
               struct err *err) MUST_USE;

#endif
