/* The header of a request, read from its raw bytes: does it have one meaning only (RFC 9110, RFC
 * 9112)? Where those leave a choice, the stricter one. Pure. */
#ifndef LANDWAITER_WEBHOOK_FRAMING_H
#define LANDWAITER_WEBHOOK_FRAMING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "webhook/sender.h"

#define FRAMING_HEADERS_MAX 64
#define FRAMING_LINE_MAX ((size_t)8 * 1024)  /* of the request line, with its end */
#define FRAMING_HEAD_MAX ((size_t)16 * 1024) /* of the whole header, with its end */

struct framing_span {
    uint16_t at, len; /* from the header's first byte */
};

struct framing_header {
    struct framing_span name, value;
};

struct framing_body {
    bool chunked, announced;
    uint64_t length; /* with announced; one of more than 18 digits is INT64_MAX */
};

struct framing_request {
    const char *bytes; /* where the spans are */
    struct framing_span method, target;
    bool version_1_0;  /* else HTTP/1.1 */
    bool escaped_zero; /* the target has a `%00` */
    struct framing_body body;
    bool close, keep;     /* what `Connection` asks for */
    bool awaits_continue; /* `Expect: 100-continue` */
    size_t size;          /* with FRAMING_WHOLE: from the first byte to the end of the empty line */
    /* With FRAMING_REFUSED: what to answer. status 0: this is not HTTP, and nothing is answered. */
    unsigned status;
    const char *why;
    size_t count;
    struct framing_header headers[FRAMING_HEADERS_MAX];
};

enum framing_state { FRAMING_PARTIAL, FRAMING_WHOLE, FRAMING_REFUSED };

/* Reads the header that begins with the first byte, perhaps behind one empty line. The result does
 * not depend on how the bytes were cut into segments: more of them turn FRAMING_PARTIAL into one of
 * the others, and change nothing else. */
enum framing_state framing_read(const char *bytes, size_t len,
                                struct framing_request *out) MUST_USE;
/* The request's bytes are in a copy from now on, where each value is ended by a zero byte. */
void framing_move(struct framing_request *request, char *copy);
/* Does a header occur twice that a sender signs with? senders: may be NULL. */
bool framing_repeats(const struct framing_request *request,
                     const struct sender_set *senders) MUST_USE;
/* A letter, digit or mark of a token (RFC 9110 section 5.6.2)? */
bool framing_token_byte(char byte) MUST_USE;
/* Of a header's value: anything but control bytes (RFC 9110 section 5.5). */
bool framing_value_byte(char byte) MUST_USE;
/* The value of the first header of that name (case ignored), or NULL. After framing_move. */
const char *framing_value(const struct framing_request *request, const char *name);
/* Of the last one: what a proxy adds stands behind what it was sent. */
const char *framing_last(const struct framing_request *request, const char *name);

#endif
