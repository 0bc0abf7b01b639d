/* Wires: owns the state of a connection's parser, and the bytes to pass on. Never passes on a byte
 * of an incomplete header. */
#include "webhook/wire.h"

/* The smallest requests grow a little when rewritten. */
#define OWED_MAX (4 * FRAMING_HEAD_MAX)
/* Bounds a client that sends requests and does not wait for their answers. */
#define HEADS_MAX (2 * FRAMING_HEAD_MAX)
#define KEPT_MAX 2048 /* memory that an idle connection may keep, for each buffer */

/* An entry of heads: the used part of a struct framing_request, followed by its bytes. */
struct queued {
    uint16_t bytes;
    bool surplus; /* one request too many */
};

void wire_init(struct wire *wire) {
    *wire =
        (struct wire){.held = BUF_INIT(FRAMING_HEAD_MAX),
                      .owed = BUF_INIT(OWED_MAX),
                      .heads = BUF_INIT(HEADS_MAX + FRAMING_HEAD_MAX + 2 * sizeof(struct queued)),
                      .head = BUF_INIT(FRAMING_HEAD_MAX)};
}

void wire_release(struct wire *wire) {
    buf_release(&wire->held);
    buf_release(&wire->owed);
    buf_release(&wire->heads);
    buf_release(&wire->head);
}

static void empty(struct buf *buf) {
    if (buf->capacity > KEPT_MAX) {
        buf_release(buf);
    } else {
        buf_clear(buf);
    }
}

/* ---- passing on ---- */

static void put_span(struct buf *out, const struct framing_request *request,
                     struct framing_span span) {
    buf_append(out, request->bytes + span.at, span.len);
}

static void put_number(struct buf *out, uint64_t number) {
    char digits[24];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    buf_append(out, digits + at, sizeof digits - at);
}

static void put_header(struct buf *out, const struct framing_request *request) {
    put_span(out, request, request->method);
    buf_putc(out, ' ');
    put_span(out, request, request->target);
    buf_puts(out, request->version_1_0 ? " HTTP/1.0\r\n" : " HTTP/1.1\r\nHost: -\r\n");
    if (request->body.chunked) {
        buf_puts(out, "Transfer-Encoding: chunked\r\n");
    } else if (request->body.announced) {
        buf_puts(out, "Content-Length: ");
        put_number(out, request->body.length);
        buf_puts(out, "\r\n");
    }
    /* 0.9.75 closes the connection after 100 (Continue) when no body follows. */
    if (request->awaits_continue && (request->body.chunked || request->body.length > 0)) {
        buf_puts(out, "Expect: 100-continue\r\n");
    }
    if (request->close || request->keep) {
        buf_puts(out, request->close ? "Connection: close\r\n" : "Connection: keep-alive\r\n");
    }
    buf_puts(out, "\r\n");
}

static void put_head(struct wire *wire, const char *bytes, size_t len, bool surplus) {
    const struct queued queued = {(uint16_t)len, surplus};
    buf_append(&wire->heads, &queued, sizeof queued);
    buf_append(&wire->heads, bytes, len);
}

/* Hands on a stand-in for the last request: libmicrohttpd's handler refuses it. */
static void put_last(struct wire *wire, const struct framing_request *request) {
    /* The answer to HEAD has no body, not even a refusal. */
    wire->last_head =
        request->method.len == 4 && memcmp(request->bytes + request->method.at, "HEAD", 4) == 0;
    buf_puts(&wire->owed, wire->last_head ? "HEAD" : "GET");
    buf_puts(&wire->owed, " / HTTP/1.1\r\nHost: -\r\nConnection: close\r\n\r\n");
    wire->over = true;
}

static size_t read_header(struct wire *wire, const char *bytes, size_t len) {
    struct framing_request request;
    enum framing_state state = framing_read(bytes, len, &request);
    const bool surplus = wire->heads.len > HEADS_MAX;
    if (state == FRAMING_PARTIAL) {
        return 0;
    }
    if (state == FRAMING_REFUSED || surplus) {
        put_head(wire, bytes, surplus ? 0 : len, surplus);
        put_last(wire, &request);
        return len;
    }
    put_head(wire, bytes, request.size, false);
    put_header(&wire->owed, &request);
    wire->left = request.body.length;
    wire->chunks = (struct chunks){0};
    if (request.body.chunked) {
        wire->place = WIRE_CHUNKS;
    } else if (wire->left > 0) {
        wire->place = WIRE_LENGTH;
    }
    return request.size;
}

static size_t read_length(struct wire *wire, const char *bytes, size_t len) {
    size_t taken = len < wire->left ? len : (size_t)wire->left;
    buf_append(&wire->owed, bytes, taken);
    wire->left -= taken;
    if (wire->left == 0) {
        wire->place = WIRE_HEADER;
    }
    return taken;
}

static size_t read_chunks(struct wire *wire, const char *bytes, size_t len) {
    size_t taken = 0;
    switch (chunks_read(&wire->chunks, bytes, len, &taken)) {
    case CHUNKS_MORE:
        break;
    case CHUNKS_CONTENT:
        buf_printf(&wire->owed, "%zx\r\n", taken);
        buf_append(&wire->owed, bytes, taken);
        buf_puts(&wire->owed, "\r\n");
        break;
    case CHUNKS_BROKEN:
        wire->broken = wire->over = true;
        buf_puts(&wire->owed, "0\r\n\r\n");
        break;
    case CHUNKS_END:
        wire->place = WIRE_HEADER;
        buf_puts(&wire->owed, "0\r\n\r\n");
        break;
    }
    return taken;
}

static size_t (*const readers[])(struct wire *wire, const char *bytes, size_t len) = {
    [WIRE_HEADER] = read_header,
    [WIRE_LENGTH] = read_length,
    [WIRE_CHUNKS] = read_chunks,
};

size_t wire_room(const struct wire *wire) {
    return FRAMING_HEAD_MAX - wire->held.len;
}

struct rest {
    const char *bytes;
    size_t len, taken;
};

/* Keeps the beginning of the next header. */
static void keep_rest(struct wire *wire, struct rest rest) {
    if (wire->over || rest.taken == rest.len) {
        empty(&wire->held);
    } else if (wire->held.len == 0) {
        buf_append(&wire->held, rest.bytes + rest.taken, rest.len - rest.taken);
    } else {
        buf_drop(&wire->held, rest.taken);
    }
}

static void tell_begun(const struct wire *wire) {
    if (wire->begun) {
        wire->begun(wire->context);
    }
}

void wire_feed(struct wire *wire, const char *bytes, size_t len) {
    size_t taken = 0;
    size_t more = len;
    const bool partial = wire->place == WIRE_HEADER && wire->held.len > 0;
    if (wire->held.len > 0) {
        buf_append(&wire->held, bytes, len);
        bytes = wire->held.data;
        len = wire->held.len;
    }
    while (taken < len && more > 0 && !wire->over) {
        more = readers[wire->place](wire, bytes + taken, len - taken);
        taken += more;
    }
    if (wire->held.overflow || wire->owed.overflow || wire->heads.overflow) {
        wire->over = true; /* out of memory */
    }
    keep_rest(wire, (struct rest){bytes, len, taken});
    if (wire->held.len > 0 && (!partial || taken > 0)) {
        tell_begun(wire);
    }
}

bool wire_expects(const struct wire *wire) {
    return !wire->over && (wire->place != WIRE_HEADER || wire->held.len > 0);
}

size_t wire_hand(struct wire *wire, void *out, size_t room) {
    size_t left = wire->owed.len - wire->handed;
    size_t len = left < room ? left : room;
    if (len > 0) {
        memcpy(out, wire->owed.data + wire->handed, len);
        wire->handed += len;
    }
    if (wire->handed == wire->owed.len) {
        wire->handed = 0;
        empty(&wire->owed);
    }
    return len;
}

/* ---- for the handler ---- */

static enum framing_state refused(struct framing_request *out, unsigned status, const char *why) {
    *out = (struct framing_request){.status = status, .why = why};
    return FRAMING_REFUSED;
}

/* Does libmicrohttpd's request have the method and target of the one that was handed to it? It
 * removes escapes and the query from its target. */
static bool same_request(const struct framing_request *request, const struct wire_seen *seen) {
    const char *target = request->bytes + request->target.at;
    const size_t method = request->method.len;
    size_t plain = 0;
    while (plain < request->target.len && target[plain] != '%' && target[plain] != '?') {
        plain++;
    }
    return strlen(seen->method) == method &&
           memcmp(seen->method, request->bytes + request->method.at, method) == 0 &&
           strncmp(seen->target, target, plain) == 0;
}

static enum framing_state take_head(struct wire *wire, const struct wire_seen *seen,
                                    struct framing_request *out) {
    struct queued queued;
    memcpy(&queued, wire->heads.data, sizeof queued);
    empty(&wire->head);
    buf_append(&wire->head, wire->heads.data + sizeof queued, queued.bytes);
    buf_drop(&wire->heads, sizeof queued + queued.bytes);
    if (wire->heads.len == 0) {
        empty(&wire->heads);
    }
    if (wire->head.overflow) {
        return refused(out, 503, "out of memory");
    }
    if (queued.surplus) {
        return refused(out, 503, "too many requests at once");
    }
    enum framing_state state = framing_read(wire->head.data, wire->head.len, out);
    const bool same = state == FRAMING_WHOLE
                          ? same_request(out, seen)
                          : strcmp(seen->method, wire->last_head ? "HEAD" : "GET") == 0 &&
                                strcmp(seen->target, "/") == 0;
    if (!same) {
        return refused(out, 500, "this request was not read here");
    }
    framing_move(out, wire->head.data);
    return state;
}

enum framing_state wire_begin(struct wire *wire, const struct wire_seen *seen,
                              struct framing_request *out) {
    if (wire->heads.len == 0 || wire->heads.overflow) {
        return refused(out, 500, "this request was not read here");
    }
    return take_head(wire, seen, out);
}

bool wire_broken(const struct wire *wire) {
    return wire->broken && wire->heads.len == 0;
}
