/* A strict parser of a request's header: accepts only headers with a single meaning (RFC 9110, RFC
 * 9112), and takes the stricter choice where those leave one. Pure. */
#ifndef LANDWAITER_WEBHOOK_FRAMING_H
#define LANDWAITER_WEBHOOK_FRAMING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "webhook/sender.h"

#define FRAMING_HEADERS_MAX 64
#define FRAMING_LINE_MAX ((size_t)8 * 1024)  /* of the request line, including its end */
#define FRAMING_HEAD_MAX ((size_t)16 * 1024) /* of the whole header, including its end */

struct framing_span {
    uint16_t at, len; /* offset from the header's first byte */
};

struct framing_header {
    struct framing_span name, value;
};

struct framing_body {
    bool chunked, announced;
    uint64_t length; /* with announced; INT64_MAX for more than 18 digits */
};

struct framing_request {
    const char *bytes; /* the base of the spans */
    struct framing_span method, target;
    bool version_1_0;  /* else HTTP/1.1 */
    bool escaped_zero; /* the target has a `%00` */
    struct framing_body body;
    bool close, keep;     /* options of `Connection` */
    bool awaits_continue; /* `Expect: 100-continue` */
    size_t size;          /* with FRAMING_WHOLE: from the first byte to the end of the empty line */
    /* With FRAMING_REFUSED: the answer. status 0: not HTTP, no answer. */
    unsigned status;
    const char *why;
    size_t count;
    struct framing_header headers[FRAMING_HEADERS_MAX];
};

enum framing_state { FRAMING_PARTIAL, FRAMING_WHOLE, FRAMING_REFUSED };

/* Parses the header at the first byte, perhaps behind one empty line. The result does not depend on
 * segments: more bytes only turn FRAMING_PARTIAL into another result. */
enum framing_state framing_read(const char *bytes, size_t len,
                                struct framing_request *out) MUST_USE;
/* Moves the spans to a copy of the bytes, where this ends each value with a zero byte. */
void framing_move(struct framing_request *request, char *copy);
/* Is a header repeated that a sender signs with? senders may be NULL. */
bool framing_repeats(const struct framing_request *request,
                     const struct sender_set *senders) MUST_USE;
/* Is it a letter, digit or mark of a token (RFC 9110 section 5.6.2)? */
bool framing_token_byte(char byte) MUST_USE;
/* Is it allowed in a header's value: anything but control bytes (RFC 9110 section 5.5)? */
bool framing_value_byte(char byte) MUST_USE;
/* The value of the first header of that name (case ignored), or NULL. After framing_move. */
const char *framing_value(const struct framing_request *request, const char *name);
/* The value of the last one: a proxy appends its own behind the client's. */
const char *framing_last(const struct framing_request *request, const char *name);

#endif
