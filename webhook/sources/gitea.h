/* Gitea and Forgejo: a version of a container package, without a digest (protocols.md section 1.4).
 */
#ifndef LANDWAITER_WEBHOOK_SOURCES_GITEA_H
#define LANDWAITER_WEBHOOK_SOURCES_GITEA_H

#include "webhook/source.h"

/* As `parse` in struct source. */
bool gitea_parse(const struct source_request *request, struct source_result *out,
                 struct err *err) MUST_USE;

#endif
