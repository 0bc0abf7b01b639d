/* A byte buffer with a fixed maximum.
 *
 * Invariants: `len <= max`; after the first append `data[len]` is 0, so data is a C string unless a
 * zero byte was appended; `buf_text` never returns NULL. Exceeding the maximum (or running out of
 * memory) sets `overflow`, which is sticky: later appends do nothing, so one check at the end
 * suffices. */
#ifndef LANDWAITER_BASE_BUF_H
#define LANDWAITER_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/own.h"

struct buf {
    char *data;
    size_t len;
    size_t capacity;
    size_t max;
    bool overflow;
};

/* `struct buf b = BUF_INIT(64 * 1024);` in bytes, without the closing zero. */
#define BUF_INIT(maximum)                                                                          \
    { .data = NULL, .len = 0, .capacity = 0, .max = (maximum), .overflow = false }

void buf_release(struct buf *buf);
/* Wipes the memory before freeing it, for contents that may be secret. */
void buf_wipe(struct buf *buf);
/* Empties the buffer and clears overflow; keeps the memory. */
void buf_clear(struct buf *buf);
/* Removes the first len bytes; the buffer must have as many. */
void buf_drop(struct buf *buf, size_t len);

void buf_append(struct buf *buf, const void *bytes, size_t len);
void buf_puts(struct buf *buf, const char *text);
void buf_putc(struct buf *buf, char byte);
void buf_printf(struct buf *buf, const char *format, ...) PRINTF_LIKE(2, 3);

/* Percent-encodes everything but RFC 3986 unreserved characters. */
void buf_put_url(struct buf *buf, const char *text);
/* Base64; url: the URL-safe alphabet. Both with padding. */
void buf_put_base64(struct buf *buf, const void *bytes, size_t len);
void buf_put_base64url(struct buf *buf, const void *bytes, size_t len);

/* The contents as a C string, "" when empty; borrowed. */
const char *buf_text(const struct buf *buf);
/* Moves the contents out as a C string that the caller frees; NULL after an overflow. The buffer is
 * empty afterwards. */
char *buf_take(struct buf *buf) MUST_USE;

#endif
