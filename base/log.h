/* Log events with fields on stderr: `update.applied target=docker/site to=sha256:…`.
 *
 * Only agent/ calls this; lower floors return errors. Values are escaped, so a control byte never
 * reaches the log, and a `struct secret` has no function that prints it. Thread-safe; one write(2)
 * for each event. */
#ifndef LANDWAITER_BASE_LOG_H
#define LANDWAITER_BASE_LOG_H

#include <stdbool.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };
enum log_format { LOG_AUTO, LOG_LOGFMT, LOG_JSON }; /* auto: logfmt on a terminal, JSON otherwise */

/* Before threads start, and at a reload. */
void log_configure(enum log_level level, enum log_format format);

/* log_event(LOG_INFO, "update.applied", "target", target, "to", digest, NULL): pairs of name and
 * value, then NULL. The list ends at the first NULL, so a value that may be NULL goes through
 * log_or. */
void log_event(enum log_level level, const char *event, ...) __attribute__((sentinel));

/* value, or "-" where it is NULL. */
const char *log_or(const char *value);

/* "debug", "info", "warning", "error" (and "warn") to a level. False: unknown. */
bool log_level_parse(const char *text, enum log_level *out);

#endif
