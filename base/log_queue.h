/* A bounded queue of log lines that a thread of its own writes, so that a reader that stops reading
 * (a full pipe) stops nobody but that thread. Thread-safe. */
#ifndef LANDWAITER_BASE_LOG_QUEUE_H
#define LANDWAITER_BASE_LOG_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/own.h"

#define LOG_QUEUE_SIZE ((size_t)128 * 1024)

struct log_queue;

/* Starts the thread, which writes to fd. NULL: no resources. lost: called on that thread once there
 * is room again, with the number of lines that were dropped; it may put lines. */
struct log_queue *log_queue_new(int fd, void (*lost)(size_t lines)) MUST_USE;
/* Adds whole lines without blocking, or drops them when the queue is full. The last quarter of it
 * is for important lines. */
void log_queue_put(struct log_queue *queue, const char *lines, size_t len, bool important);
/* Waits until all lines are written, for at most so many milliseconds. False: some are not. */
bool log_queue_drain(struct log_queue *queue, int64_t ms);
/* Drains, and ends the thread. False: the thread still hangs in a write; the queue must stay, and
 * drops what is put. */
bool log_queue_stop(struct log_queue *queue, int64_t ms) MUST_USE;
/* After a successful stop. */
void log_queue_free(struct log_queue *queue);

/* Writes whole lines in pieces that are atomic on a pipe, where lines are short enough. Blocks. */
void log_queue_write(int fd, const char *lines, size_t len);

#endif
