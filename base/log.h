/* Log events with fields on stderr: `update.applied target=docker/site to=sha256:…`.
 *
 * For agent/ only; lower floors return errors. Values are escaped, so a control byte never reaches
 * the log; no function takes a `struct secret`. Thread-safe. */
#ifndef LANDWAITER_BASE_LOG_H
#define LANDWAITER_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/own.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };
enum log_format { LOG_AUTO, LOG_LOGFMT, LOG_JSON }; /* auto: logfmt on a terminal, JSON otherwise */

/* Call before threads start, and at a reload. */
void log_configure(enum log_level level, enum log_format format);

/* From now on a thread of its own writes the log, so that nobody waits for its reader. Lines for
 * which its queue has no room are dropped; the event log.dropped tells their number as soon as
 * there is room. False: no resources; events are still written at once. */
bool log_start(void) MUST_USE;
/* Waits for the lines that are queued, for at most so long. */
#define LOG_STOP_MS 2000
void log_stop(void);

/* log_event(LOG_INFO, "update.applied", "target", target, "to", digest, NULL): pairs of name and
 * value. The first NULL ends the list, so pass a value that may be NULL through log_or. */
void log_event(enum log_level level, const char *event, ...) __attribute__((sentinel));

/* Batches this thread's events of level info between hold and flush: one turn at the queue for all
 * of them. Does not nest. */
#define LOG_BATCH_SIZE 4096
struct log_batch {
    char bytes[LOG_BATCH_SIZE];
    size_t len;
};
void log_hold(struct log_batch *batch);
void log_flush(void);

/* value, or "-" for NULL. */
const char *log_or(const char *value);

/* "debug", "info", "warning", "error" (and "warn") to a level. False: unknown. */
bool log_level_parse(const char *text, enum log_level *out);

#endif
