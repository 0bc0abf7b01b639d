/* GitHub: packages of repositories and apps, and workflow runs, as JSON or as a form
 * (protocols.md section 1.2). What the body holds decides, not the header beside it, which nobody
 * signed. */
#ifndef LANDWAITER_WEBHOOK_SOURCES_GITHUB_H
#define LANDWAITER_WEBHOOK_SOURCES_GITHUB_H

#include "webhook/source.h"

/* As `parse` in struct source. */
bool github_parse(const struct source_request *request, struct source_result *out,
                  struct err *err) MUST_USE;

#endif
