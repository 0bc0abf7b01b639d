/* A connection's bytes, in segments whose size is the first of them. The wire hands on HTTP with
 * one meaning, and the same for every size. */
#include <stdint.h>

#include "base/buf.h"
#include "webhook/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void feed(struct wire *wire, const uint8_t *data, size_t size, struct buf *out,
                 size_t segment) {
    static char room[4096];
    for (size_t at = 0, fed = 0; at < size; at += fed) {
        size_t left = size - at < segment ? size - at : segment;
        size_t len = 0;
        fed = left < wire_room(wire) ? left : wire_room(wire);
        wire_feed(wire, (const char *)data + at, fed);
        while ((len = wire_hand(wire, room, sizeof room)) > 0) {
            buf_append(out, room, len);
        }
    }
}

static size_t tell_body(const struct framing_body *body, const char *bytes, size_t len,
                        struct buf *story) {
    struct chunks chunks = {0};
    enum chunks_found found = CHUNKS_MORE;
    size_t at = 0;
    if (!body->chunked) {
        at = body->length < len ? (size_t)body->length : len;
        buf_append(story, bytes, at);
        return at;
    }
    while (at < len && found != CHUNKS_END) {
        size_t taken = 0;
        found = chunks_read(&chunks, bytes + at, len - at, &taken);
        if (found == CHUNKS_BROKEN) {
            abort();
        }
        if (found == CHUNKS_CONTENT) {
            buf_append(story, bytes + at, taken);
        }
        at += taken;
    }
    return at;
}

/* An accepted request has one length, and one value of each relevant header. */
static void check(const struct framing_request *request) {
    if (request->body.chunked && framing_value(request, "Content-Length")) {
        abort();
    }
    if (!request->version_1_0 && !framing_value(request, "host")) {
        abort();
    }
    if (framing_value(request, "Authorization") != framing_last(request, "Authorization")) {
        abort();
    }
}

/* Begins the request that was handed on, as libmicrohttpd does. */
static enum framing_state begin(struct wire *wire, const struct framing_request *handed,
                                struct framing_request *out) {
    static char method[FRAMING_HEAD_MAX];
    static char target[FRAMING_HEAD_MAX];
    (void)snprintf(method, sizeof method, "%.*s", (int)handed->method.len,
                   handed->bytes + handed->method.at);
    (void)snprintf(target, sizeof target, "%.*s", (int)handed->target.len,
                   handed->bytes + handed->target.at);
    target[strcspn(target, "%?")] = '\0';
    return wire_begin(wire, &(struct wire_seen){method, target}, out);
}

static void tell(struct wire *wire, const struct buf *out, struct buf *story) {
    static struct framing_request handed;
    static struct framing_request request;
    for (size_t at = 0; at < out->len;) {
        if (framing_read(out->data + at, out->len - at, &handed) != FRAMING_WHOLE) {
            abort();
        }
        buf_append(story, out->data + at, handed.size);
        at += handed.size;
        if (begin(wire, &handed, &request) == FRAMING_WHOLE) {
            check(&request);
        } else if (!request.why || request.status == 500) {
            abort();
        }
        buf_printf(story, "%u %zu\n", request.status, request.count);
        at += tell_body(&handed.body, out->data + at, out->len - at, story);
    }
    buf_printf(story, "%d %d\n", wire->over, wire_broken(wire));
}

static void run(const uint8_t *data, size_t size, size_t segment, struct buf *story) {
    CLEANUP(buf_release) struct buf out = BUF_INIT(1 << 24);
    struct wire wire;
    wire_init(&wire);
    feed(&wire, data, size, &out, segment);
    tell(&wire, &out, story);
    wire_release(&wire);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    CLEANUP(buf_release) struct buf whole = BUF_INIT(1 << 24);
    CLEANUP(buf_release) struct buf parts = BUF_INIT(1 << 24);
    if (size < 1) {
        return 0;
    }
    run(data + 1, size - 1, FRAMING_HEAD_MAX, &whole);
    run(data + 1, size - 1, data[0] ? data[0] : 256, &parts);
    if (whole.len != parts.len || memcmp(whole.data, parts.data, whole.len) != 0) {
        abort();
    }
    return 0;
}
