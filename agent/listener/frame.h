/* Frames between the agent and its listener's process, on a stream socket: a length, a kind, and
 * values. A reader believes nothing of what the other side wrote: after the first value that is not
 * as it should be, all further ones are empty, and `bad` is set. */
#ifndef LANDWAITER_AGENT_LISTENER_FRAME_H
#define LANDWAITER_AGENT_LISTENER_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define FRAME_MAX ((size_t)64 * 1024 * 1024) /* bytes */
#define FRAME_INIT BUF_INIT(FRAME_MAX)

/* ---- writing ---- */

/* Begins a frame in place of the buffer's contents. */
void frame_begin(struct buf *frame, unsigned kind);
void frame_put_int(struct buf *frame, int64_t value);
/* text may be NULL. */
void frame_put_text(struct buf *frame, const char *text);
void frame_put_bytes(struct buf *frame, const void *bytes, size_t len);
/* Ends the frame and sends it; blocks. False: the other side is gone, or the frame is too large. */
bool frame_send(int fd, struct buf *frame) MUST_USE;

/* ---- reading ---- */

struct frame {
    unsigned kind;
    const char *bytes; /* borrowed from the buffer */
    size_t len, at;
    bool bad;
};

/* Receives the next frame into the buffer; blocks. False: the other side is gone, or sends none. */
bool frame_receive(int fd, struct buf *buffer, struct frame *out) MUST_USE;
int64_t frame_int(struct frame *frame);
/* At least 0, at most max. */
size_t frame_count(struct frame *frame, size_t max);
/* A C string, or NULL, borrowed from the buffer. */
const char *frame_text(struct frame *frame);
/* The same; NULL is bad. Returns "" then. */
const char *frame_name(struct frame *frame);
/* Borrowed from the buffer. */
const void *frame_bytes(struct frame *frame, size_t *len);
/* Has it ended, and was nothing bad? */
bool frame_good(const struct frame *frame) MUST_USE;

#endif
