/* Does a request have one meaning only? The checks of headers and framing that libmicrohttpd does
 * not make (protocols.md section 6.1). Pure. */
#ifndef LANDWAITER_WEBHOOK_FRAMING_H
#define LANDWAITER_WEBHOOK_FRAMING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "webhook/sender.h"

#define FRAMING_HEADERS_MAX 64

struct framing_header {
    const char *name;
    size_t name_len;
    const char *value;
    size_t value_len;
};

struct framing_request {
    const char *method, *version;
    struct framing_header headers[FRAMING_HEADERS_MAX];
    size_t count;                     /* over FRAMING_HEADERS_MAX: there were more */
    size_t header_size;               /* from the method to the end of the empty line */
    const struct sender_set *senders; /* their signature headers occur once at most; may be NULL */
};

struct framing_body {
    bool chunked, announced;
    uint64_t length; /* with announced */
};

/* Returns 0 and the body that follows, or the status to refuse it with (400, 431) and why. */
unsigned framing_check(const struct framing_request *request, struct framing_body *out,
                       const char **why);
/* Do the strings lie in the receive buffer one behind the other, each line ended by CR LF and
 * nothing in between? libmicrohttpd 0.9.75 hands out pointers into that buffer, so this finds what
 * it hides: folded lines, zero bytes within values, nameless headers, bare LF. Compares addresses
 * only, never reads between the strings. */
bool framing_contiguous(const struct framing_request *request) MUST_USE;
/* The value of the first header of that name (case ignored), or NULL. */
const char *framing_value(const struct framing_request *request, const char *name);
/* Of the last one: what a proxy adds stands behind what it was sent. */
const char *framing_last(const struct framing_request *request, const char *name);

#endif
