/* GitLab: a pipeline that ended; it has no webhook for its registry, so `implies` says which images
 * were pushed (protocols.md section 1.3). */
#ifndef LANDWAITER_WEBHOOK_SOURCES_GITLAB_H
#define LANDWAITER_WEBHOOK_SOURCES_GITLAB_H

#include "webhook/source.h"

/* As `parse` in struct source. */
bool gitlab_parse(const struct source_request *request, struct source_result *out,
                  struct err *err) MUST_USE;

#endif
