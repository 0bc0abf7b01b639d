/* Wires: owns how far a connection has been read and what is to be handed on. Never hands on a byte
 * of a header that it has not read to its end. */
#include "webhook/wire.h"

/* The smallest requests grow a little on their way. */
#define OWED_MAX (4 * FRAMING_HEAD_MAX)
/* Of a client that sends requests and does not wait for answers. */
#define HEADS_MAX (4 * FRAMING_HEAD_MAX)
#define KEPT_MAX 2048 /* memory that an idle connection may keep, for each buffer */

void wire_init(struct wire *wire) {
    *wire = (struct wire){.held = BUF_INIT(FRAMING_HEAD_MAX),
                          .owed = BUF_INIT(OWED_MAX),
                          .heads = BUF_INIT(HEADS_MAX + OWED_MAX),
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

/* ---- handing on ---- */

static void put_text(struct buf *out, struct framing_text text) {
    buf_append(out, text.at, text.len);
}

static void put_header(struct buf *out, const struct framing_request *request) {
    put_text(out, request->method);
    buf_putc(out, ' ');
    put_text(out, request->target);
    buf_puts(out, request->version_1_0 ? " HTTP/1.0\r\n" : " HTTP/1.1\r\nHost: -\r\n");
    if (request->body.chunked) {
        buf_puts(out, "Transfer-Encoding: chunked\r\n");
    } else if (request->body.announced) {
        buf_printf(out, "Content-Length: %llu\r\n", (unsigned long long)request->body.length);
    }
    if (request->awaits_continue) {
        buf_puts(out, "Expect: 100-continue\r\n");
    }
    if (request->close || request->keep) {
        buf_puts(out, request->close ? "Connection: close\r\n" : "Connection: keep-alive\r\n");
    }
    buf_puts(out, "\r\n");
}

static void put_head(struct wire *wire, const char *bytes, size_t len) {
    buf_append(&wire->heads, &len, sizeof len);
    buf_append(&wire->heads, bytes, len);
}

/* The last request: its handler asks for bytes (none: it is to be closed without an answer). */
static void put_last(struct wire *wire, const char *method, struct framing_text bytes) {
    put_head(wire, bytes.at, bytes.len);
    buf_puts(&wire->owed, method);
    buf_puts(&wire->owed, " / HTTP/1.1\r\nHost: -\r\nConnection: close\r\n\r\n");
    wire->over = true;
}

static size_t read_header(struct wire *wire, const char *bytes, size_t len) {
    struct framing_request request;
    if (wire->heads.len > HEADS_MAX) {
        put_last(wire, "GET", (struct framing_text){"", 0});
        return 0;
    }
    switch (framing_read(bytes, len, &request)) {
    case FRAMING_PARTIAL:
        return 0;
    case FRAMING_REFUSED: {
        /* The answer to HEAD has no body, a refusal neither. */
        bool head = request.method.len == 4 && memcmp(request.method.at, "HEAD", 4) == 0;
        put_last(wire, head ? "HEAD" : "GET", (struct framing_text){bytes, len});
        return len;
    }
    case FRAMING_WHOLE:
        break;
    }
    put_head(wire, bytes, request.size);
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

void wire_feed(struct wire *wire, const char *bytes, size_t len) {
    size_t taken = 0;
    size_t more = len;
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
    if (wire->over || taken == len) {
        empty(&wire->held);
    } else if (wire->held.len == 0) {
        buf_append(&wire->held, bytes + taken, len - taken);
    } else {
        buf_drop(&wire->held, taken);
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

/* ---- what the handler asks ---- */

static void take_head(struct wire *wire) {
    size_t len = 0;
    memcpy(&len, wire->heads.data, sizeof len);
    empty(&wire->head);
    buf_append(&wire->head, wire->heads.data + sizeof len, len);
    buf_drop(&wire->heads, sizeof len + len);
    if (wire->heads.len == 0) {
        empty(&wire->heads);
    }
}

enum framing_state wire_begin(struct wire *wire, struct framing_request *out) {
    if (wire->heads.len == 0 || wire->heads.overflow) {
        *out = (struct framing_request){.status = 500, .why = "this request was not read here"};
        return FRAMING_REFUSED;
    }
    take_head(wire);
    if (wire->head.overflow) {
        *out = (struct framing_request){.status = 503, .why = "out of memory"};
        return FRAMING_REFUSED;
    }
    if (wire->head.len == 0) {
        *out = (struct framing_request){.why = "too many requests at once"};
        return FRAMING_REFUSED;
    }
    enum framing_state state = framing_read(wire->head.data, wire->head.len, out);
    framing_terminate(out, wire->head.data);
    return state;
}

bool wire_broken(const struct wire *wire) {
    return wire->broken && wire->heads.len == 0;
}
