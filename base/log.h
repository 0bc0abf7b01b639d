/* Log events with fields on stderr: `update.applied target=docker/site to=sha256:…`.
 *
 * Only agent/ calls this; lower floors return errors. Values are escaped, so a control byte never
 * reaches the log, and a `struct secret` has no function that prints it. Thread-safe; one write(2)
 * for each event, or for each batch of them. */
#ifndef LANDWAITER_BASE_LOG_H
#define LANDWAITER_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };
enum log_format { LOG_AUTO, LOG_LOGFMT, LOG_JSON }; /* auto: logfmt on a terminal, JSON otherwise */

/* Before threads start, and at a reload. */
void log_configure(enum log_level level, enum log_format format);

/* log_event(LOG_INFO, "update.applied", "target", target, "to", digest, NULL): pairs of name and
 * value, then NULL. The list ends at the first NULL, so a value that may be NULL goes through
 * log_or. */
void log_event(enum log_level level, const char *event, ...) __attribute__((sentinel));

/* Events that are told in one go: between hold and flush this thread's events are gathered, and
 * written together, as many as fit into one write that pipes keep in one piece. Does not nest. */
#define LOG_BATCH_SIZE 4096
struct log_batch {
    char bytes[LOG_BATCH_SIZE];
    size_t len;
};
void log_hold(struct log_batch *batch);
void log_flush(void);

/* value, or "-" where it is NULL. */
const char *log_or(const char *value);

/* "debug", "info", "warning", "error" (and "warn") to a level. False: unknown. */
bool log_level_parse(const char *text, enum log_level *out);

#endif
