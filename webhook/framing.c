/* Framing: owns the list of what may occur once only and the reading of the two headers that say
 * where a body ends. Never repairs a request. */
#include "webhook/framing.h"

#include <strings.h>

#define LENGTH_DIGITS 18 /* fits 64 bits */

enum { BAD = 400, TOO_MANY = 431 };

static const char *const once[] = {
    "Content-Length",
    "Transfer-Encoding",
    "Host",
    "Content-Type",
    "Authorization",
    "webhook-signature",
    "webhook-id",
    "webhook-timestamp",
    "X-Signature-256",
    "Signature",
    "Digest",
    "Date",
    "ce-type",
    "ce-id",
    "circleci-signature",
    "ce-subject",
    "X-Buildkite-Signature",
};

static bool token(const struct framing_header *header) {
    static const char marks[] = "!#$%&'*+-.^_`|~";
    for (size_t i = 0; i < header->name_len; i++) {
        char c = header->name[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (!plain && (!c || !strchr(marks, c))) {
            return false;
        }
    }
    return header->name_len > 0;
}

/* Field values have no control bytes but the tab (RFC 9110 section 5.5). */
static bool clean(const struct framing_header *header) {
    for (size_t i = 0; i < header->value_len; i++) {
        unsigned char c = (unsigned char)header->value[i];
        if ((c < ' ' && c != '\t') || c == 0x7f) {
            return false;
        }
    }
    return true;
}

static bool named(const struct framing_header *header, const char *name) {
    return strlen(name) == header->name_len &&
           strncasecmp(header->name, name, header->name_len) == 0;
}

static bool at_most_once(const struct framing_header *header, const struct sender_set *senders) {
    for (size_t i = 0; i < ARRAY_LENGTH(once); i++) {
        if (named(header, once[i])) {
            return true;
        }
    }
    for (size_t i = 0; senders && i < senders->count; i++) {
        const struct sender *sender = &senders->items[i];
        if ((sender->hmac_header && named(header, sender->hmac_header)) ||
            (sender->header_name && named(header, sender->header_name))) {
            return true;
        }
    }
    return false;
}

static bool repeated(const struct framing_request *request) {
    for (size_t i = 1; i < request->count; i++) {
        const struct framing_header *later = &request->headers[i];
        for (size_t j = 0; j < i; j++) {
            const struct framing_header *earlier = &request->headers[j];
            if (earlier->name_len == later->name_len &&
                strncasecmp(earlier->name, later->name, later->name_len) == 0 &&
                at_most_once(later, request->senders)) {
                return true;
            }
        }
    }
    return false;
}

const char *framing_value(const struct framing_request *request, const char *name) {
    for (size_t i = 0; i < request->count; i++) {
        if (named(&request->headers[i], name)) {
            return request->headers[i].value;
        }
    }
    return NULL;
}

const char *framing_last(const struct framing_request *request, const char *name) {
    for (size_t i = request->count; i > 0; i--) {
        if (i <= FRAMING_HEADERS_MAX && named(&request->headers[i - 1], name)) {
            return request->headers[i - 1].value;
        }
    }
    return NULL;
}

static bool read_length(const char *text, uint64_t *out) {
    size_t len = strlen(text);
    if (len == 0 || len > LENGTH_DIGITS || strspn(text, "0123456789") != len) {
        return false;
    }
    uint64_t length = 0;
    for (size_t i = 0; i < len; i++) {
        length = length * 10 + (uint64_t)(text[i] - '0');
    }
    *out = length;
    return true;
}

/* Returns what is wrong, or NULL. */
static const char *read_body(const struct framing_request *request, struct framing_body *out) {
    const char *coding = framing_value(request, "Transfer-Encoding");
    const char *length = framing_value(request, "Content-Length");
    if (coding && length) {
        return "both Content-Length and Transfer-Encoding";
    }
    if (coding && strcmp(coding, "chunked") != 0) {
        return "Transfer-Encoding is not chunked";
    }
    struct framing_body body = {.chunked = coding != NULL, .announced = length != NULL};
    if (length && !read_length(length, &body.length)) {
        return "Content-Length is not a number";
    }
    *out = body;
    return NULL;
}

static const char *fault_of(const struct framing_request *request, struct framing_body *out) {
    for (size_t i = 0; i < request->count; i++) {
        const struct framing_header *header = &request->headers[i];
        if (!token(header)) {
            return "a header's name is not a token";
        }
        if (strlen(header->value) != header->value_len || !clean(header)) {
            return "a header's value has control bytes";
        }
    }
    if (repeated(request)) {
        return "a header that may occur once is repeated";
    }
    if (strcmp(request->version, "HTTP/1.0") != 0 && !framing_value(request, "Host")) {
        return "no Host header";
    }
    return read_body(request, out);
}

unsigned framing_check(const struct framing_request *request, struct framing_body *out,
                       const char **why) {
    if (request->count > FRAMING_HEADERS_MAX) {
        *why = "more than 64 headers";
        return TOO_MANY;
    }
    const char *fault = fault_of(request, out);
    if (fault) {
        *why = fault;
        return BAD;
    }
    return 0;
}

bool framing_contiguous(const struct framing_request *request) {
    const uintptr_t line_end = 2; /* CR LF */
    uintptr_t end = (uintptr_t)request->version + strlen(request->version) + line_end;
    for (size_t i = 0; i < request->count; i++) {
        const struct framing_header *header = &request->headers[i];
        uintptr_t name_end = (uintptr_t)header->name + header->name_len;
        if ((uintptr_t)header->name != end || (uintptr_t)header->value <= name_end) {
            return false;
        }
        end = (uintptr_t)header->value + header->value_len + line_end;
    }
    return end + line_end - (uintptr_t)request->method == request->header_size;
}
