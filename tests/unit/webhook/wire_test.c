/* Wires: libmicrohttpd gets the same bytes of each raw request of tests/data/framing, for any
 * segments. */
#include "framing_corpus.h"

#include "webhook/intercept.h"

static const struct corpus_macro macros[] = {
    {"hook", "/hooks/deploy"},
    {"health", "/healthz"},
    {"auth", "Authorization: Bearer token\r\n"},
    {"post", "POST /hooks/deploy HTTP/1.1\r\nHost: agent\r\nAuthorization: Bearer token\r\n"},
    {"get", "GET /healthz HTTP/1.1\r\nHost: agent\r\n"},
    {"body", "{\"image\":\"ghcr.io/brian/site:1\"}"},
    {"length", "32"},
    {"hex", "20"},
    {NULL, NULL},
};

/* The bytes in segments of that size; out: all that is handed on. */
static void feed(struct wire *wire, const struct buf *bytes, size_t segment, struct buf *out) {
    static char room[8192];
    for (size_t at = 0, fed = 0; at < bytes->len; at += fed) {
        size_t left = bytes->len - at < segment ? bytes->len - at : segment;
        size_t len = 0;
        fed = left < wire_room(wire) ? left : wire_room(wire);
        wire_feed(wire, bytes->data + at, fed);
        while ((len = wire_hand(wire, room, sizeof room)) > 0) {
            buf_append(out, room, len);
        }
    }
}

static size_t tell_chunks(const struct buf *out, size_t at, struct buf *story) {
    struct chunks chunks = {0};
    enum chunks_found found = CHUNKS_MORE;
    while (at < out->len && found != CHUNKS_END) {
        size_t taken = 0;
        found = chunks_read(&chunks, out->data + at, out->len - at, &taken);
        assert_int_not_equal(found, CHUNKS_BROKEN);
        if (found == CHUNKS_CONTENT) {
            buf_append(story, out->data + at, taken);
        }
        at += taken;
    }
    buf_puts(story, found == CHUNKS_END ? "\nend\n" : "\ncut off\n");
    return at;
}

/* Begins the request that was handed on, as libmicrohttpd does: its handler gets the target without
 * its query and without escapes. */
static enum framing_state begin(struct wire *wire, const struct framing_request *handed,
                                struct framing_request *out) {
    CLEANUP(buf_release) struct buf method = BUF_INIT(FRAMING_HEAD_MAX);
    CLEANUP(buf_release) struct buf target = BUF_INIT(FRAMING_HEAD_MAX);
    buf_append(&method, handed->bytes + handed->method.at, handed->method.len);
    for (size_t i = 0; i < handed->target.len; i++) {
        const char byte = handed->bytes[handed->target.at + i];
        if (byte == '%' || byte == '?') {
            break;
        }
        buf_putc(&target, byte);
    }
    return wire_begin(wire, &(struct wire_seen){buf_text(&method), buf_text(&target)}, out);
}

/* The requests that were handed on, and their headers for the handler. */
static void tell(struct wire *wire, const struct buf *out, struct buf *story) {
    static struct framing_request handed;
    static struct framing_request raw;
    size_t at = 0;
    while (at < out->len) {
        assert_int_equal(framing_read(out->data + at, out->len - at, &handed), FRAMING_WHOLE);
        buf_append(story, out->data + at, handed.size);
        at += handed.size;
        enum framing_state state = begin(wire, &handed, &raw);
        buf_printf(story, "%d %u %s\n", (int)state, raw.status, raw.why ? raw.why : "");
        for (size_t i = 0; state == FRAMING_WHOLE && i < raw.count; i++) {
            buf_printf(story, "%.*s=%s\n", (int)raw.headers[i].name.len,
                       raw.bytes + raw.headers[i].name.at, raw.bytes + raw.headers[i].value.at);
        }
        if (handed.body.chunked) {
            at = tell_chunks(out, at, story);
        } else {
            size_t left = out->len - at;
            size_t length = handed.body.length < left ? (size_t)handed.body.length : left;
            buf_append(story, out->data + at, length);
            at += length;
        }
    }
    buf_printf(story, "%d %d\n", wire->over, wire_broken(wire));
    assert_int_equal(wire_begin(wire, &(struct wire_seen){"GET", "/"}, &raw),
                     FRAMING_REFUSED); /* there is no other */
    assert_int_equal(raw.status, 500);
}

static void tell_of(const struct buf *bytes, size_t segment, struct buf *story) {
    CLEANUP(buf_release) struct buf out = BUF_INIT(1 << 24);
    struct wire wire;
    wire_init(&wire);
    feed(&wire, bytes, segment, &out);
    tell(&wire, &out, story);
    assert_false(out.overflow || story->overflow);
    wire_release(&wire);
}

static void compare(const struct corpus_case *one, void *context) {
    static const size_t segments[] = {1, 2, 3, 7, 61, 1000};
    CLEANUP(buf_release) struct buf whole = BUF_INIT(1 << 24);
    (void)context;
    tell_of(&one->bytes, FRAMING_HEAD_MAX, &whole);
    /* Each segment parses the incomplete header again, so byte by byte only the shorter cases. */
    for (size_t i = one->bytes.len > 2000 ? 4 : 0; i < ARRAY_LENGTH(segments); i++) {
        CLEANUP(buf_release) struct buf parts = BUF_INIT(1 << 24);
        tell_of(&one->bytes, segments[i], &parts);
        if (parts.len != whole.len || memcmp(parts.data, whole.data, whole.len) != 0) {
            fail_msg("[%s] differs in segments of %zu:\n%s\n%s", one->name, segments[i],
                     buf_text(&parts), buf_text(&whole));
        }
    }
}

static void does_not_depend_on_segments(void **state) {
    (void)state;
    const struct corpus_listener listener = {.prefix = "hook", .macros = macros, .good = 202};
    struct corpus_visitor visitor = {.visit = compare};
    corpus_each(&listener, &visitor);
    assert_true(visitor.visited >= CORPUS_CASES_LEAST);
}

static void hands_on_the_plainest_form(void **state) {
    (void)state;
    static const char bytes[] = "\r\nPOST /hooks/ci?a=%41 HTTP/1.1\r\nhost:a\r\nX-A: b \r\n"
                                "transfer-encoding: CHUNKED\r\nExpect: 100-Continue\r\n"
                                "Connection: x, Close\r\n\r\n"
                                "003;a=b\r\nabc\r\n0\r\nTrailer: x\r\n\r\n"
                                "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
                                "HEAD / HTTP/1.1\r\n\r\n"
                                "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    CLEANUP(buf_release) struct buf in = BUF_INIT(4096);
    CLEANUP(buf_release) struct buf out = BUF_INIT(4096);
    struct framing_request request;
    struct wire wire;
    wire_init(&wire);
    buf_append(&in, bytes, sizeof bytes - 1);
    feed(&wire, &in, FRAMING_HEAD_MAX, &out);
    assert_string_equal(buf_text(&out), "POST /hooks/ci?a=%41 HTTP/1.1\r\nHost: -\r\n"
                                        "Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n"
                                        "Connection: close\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
                                        "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
                                        "HEAD / HTTP/1.1\r\nHost: -\r\nConnection: close\r\n\r\n");
    assert_int_equal(wire_begin(&wire, &(struct wire_seen){"POST", "/hooks/ci"}, &request),
                     FRAMING_WHOLE);
    assert_string_equal(framing_value(&request, "x-a"), "b");
    assert_int_equal(wire_begin(&wire, &(struct wire_seen){"GET", "/"}, &request), FRAMING_WHOLE);
    assert_int_equal(wire_begin(&wire, &(struct wire_seen){"HEAD", "/"}, &request),
                     FRAMING_REFUSED);
    assert_int_equal(request.status, 400);
    wire_release(&wire);
}

/* A client that sends requests with large headers and reads no answer. */
static void bounds_what_is_not_begun(void **state) {
    (void)state;
    CLEANUP(buf_release) struct buf in = BUF_INIT(1 << 20);
    struct framing_request request;
    struct wire wire;
    char room[8192];
    unsigned fed = 0;
    unsigned begun = 0;
    buf_puts(&in, "GET / HTTP/1.1\r\nHost: a\r\nX: ");
    while (in.len < FRAMING_HEAD_MAX - 4) {
        buf_putc(&in, 'y');
    }
    buf_puts(&in, "\r\n\r\n");
    wire_init(&wire);
    for (; !wire.over && fed < 100; fed++) {
        wire_feed(&wire, in.data, in.len);
        assert_true(wire_hand(&wire, room, sizeof room) > 0);
    }
    assert_in_range(fed, 2, 4);
    while (wire_begin(&wire, &(struct wire_seen){"GET", "/"}, &request) == FRAMING_WHOLE) {
        begun++;
    }
    assert_int_equal(begun, fed - 1); /* those are answered */
    assert_int_equal(request.status, 503);
    wire_release(&wire);
}

/* The bound must not cost the requests before it their answers, even when a faulty one exceeds it. */
static void a_faulty_one_behind_the_bound(void **state) {
    (void)state;
    CLEANUP(buf_release) struct buf in = BUF_INIT(FRAMING_HEAD_MAX);
    CLEANUP(buf_release) struct buf faulty = BUF_INIT(FRAMING_HEAD_MAX);
    struct framing_request request;
    struct wire wire;
    char room[8192];
    buf_puts(&in, "GET / HTTP/1.1\r\nHost: a\r\nX: ");
    buf_puts(&faulty, "GET / HTTP/1.1\r\n Host: a\r\nX: ");
    while (in.len < FRAMING_HEAD_MAX - 8) {
        buf_putc(&in, 'y');
        buf_putc(&faulty, 'y');
    }
    buf_puts(&in, "\r\n\r\n");
    wire_init(&wire);
    for (int i = 0; i < 3; i++) {
        wire_feed(&wire, in.data, in.len);
        assert_true(wire_hand(&wire, room, sizeof room) > 0);
    }
    assert_false(wire.over);
    wire_feed(&wire, faulty.data, faulty.len);
    assert_true(wire.over);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(wire_begin(&wire, &(struct wire_seen){"GET", "/"}, &request),
                         FRAMING_WHOLE);
    }
    assert_int_equal(wire_begin(&wire, &(struct wire_seen){"GET", "/"}, &request), FRAMING_REFUSED);
    assert_int_equal(request.status, 503);
    wire_release(&wire);
}

/* A library that begins another request than the next one must not get its headers. */
static void knows_its_requests(void **state) {
    (void)state;
    static const struct wire_seen others[] = {
        {"GET", "/hooks/ci"}, {"PUT", "/hooks/ci"}, {"POST", "/hooks/c"},
        {"POST", ""},         {"POST", "/"},
    };
    static const char bytes[] = "POST /hooks/ci?a HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n";
    struct framing_request request;
    char room[256];
    for (size_t i = 0; i < ARRAY_LENGTH(others); i++) {
        struct wire wire;
        wire_init(&wire);
        wire_feed(&wire, bytes, sizeof bytes - 1);
        assert_true(wire_hand(&wire, room, sizeof room) > 0);
        assert_int_equal(wire_begin(&wire, &others[i], &request), FRAMING_REFUSED);
        assert_int_equal(request.status, 500);
        assert_null(framing_value(&request, "Host"));
        wire_release(&wire);
    }
}

/* ---- at a socket ---- */

struct ends {
    int ours, theirs;
    struct wire wire;
};

static void open_ends(struct ends *ends, enum intercept_kind kind) {
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    *ends = (struct ends){.ours = pair[0], .theirs = pair[1]};
    wire_init(&ends->wire);
    assert_true(intercept_enter(ends->ours, &ends->wire, kind));
}

static void close_ends(struct ends *ends) {
    intercept_leave(ends->ours);
    wire_release(&ends->wire);
    (void)close(ends->ours);
    (void)close(ends->theirs);
}

static void say(const struct ends *ends, const char *text) {
    assert_int_equal(send(ends->theirs, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static void expect(const struct ends *ends, size_t room, const char *expected) {
    char bytes[8192];
    assert_true(room <= sizeof bytes);
    assert_int_equal(recv(ends->ours, bytes, room, 0), strlen(expected));
    assert_memory_equal(bytes, expected, strlen(expected));
}

static void expect_nothing(const struct ends *ends) {
    char bytes[16];
    errno = 0;
    assert_int_equal(recv(ends->ours, bytes, sizeof bytes, 0), -1);
    assert_int_equal(errno, EAGAIN);
}

static void stands_before_recv(void **state) {
    (void)state;
    struct ends ends;
    char bytes[16];
    for (int kind = INTERCEPT_EDGE; kind <= INTERCEPT_LEVEL; kind++) {
        open_ends(&ends, (enum intercept_kind)kind);
        expect_nothing(&ends);
        say(&ends, "GET / HTTP/1.1\r\nHo");
        expect_nothing(&ends);
        say(&ends, "st: a\r\nX: y\r\n\r\nGET");
        expect(&ends, 8192, "GET / HTTP/1.1\r\nHost: -\r\n\r\n");
        say(&ends, " /x HTTP/1.0\r\n\r\n");
        expect(&ends, 4, "GET "); /* in pieces, where there is no room */
        expect(&ends, 8192, "/x HTTP/1.0\r\n\r\n");
        say(&ends, "nonsense\r\n");
        expect(&ends, 8192, "GET / HTTP/1.1\r\nHost: -\r\nConnection: close\r\n\r\n");
        say(&ends, "GET / HTTP/1.0\r\n\r\n");
        assert_int_equal(recv(ends.ours, bytes, sizeof bytes, 0), 0); /* nothing more is read */
        close_ends(&ends);
    }
    open_ends(&ends, INTERCEPT_EDGE);
    say(&ends, "GET / HTTP/1.0\r\n\r\nGET");
    (void)shutdown(ends.theirs, SHUT_WR);
    expect(&ends, 8192, "GET / HTTP/1.0\r\n\r\n");
    assert_int_equal(recv(ends.ours, bytes, sizeof bytes, 0), 0);
    close_ends(&ends);
}

static void leaves_other_sockets_alone(void **state) {
    (void)state;
    struct ends ends;
    open_ends(&ends, INTERCEPT_EDGE);
    intercept_leave(ends.ours);
    say(&ends, "no HTTP\n");
    expect(&ends, 8192, "no HTTP\n");
    close_ends(&ends);
    assert_false(intercept_enter(-1, &ends.wire, INTERCEPT_EDGE));
    assert_false(intercept_enter(1 << 20, &ends.wire, INTERCEPT_EDGE));
    intercept_leave(-1);
    intercept_leave(1 << 20);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(does_not_depend_on_segments),
        cmocka_unit_test(hands_on_the_plainest_form),
        cmocka_unit_test(bounds_what_is_not_begun),
        cmocka_unit_test(knows_its_requests),
        cmocka_unit_test(a_faulty_one_behind_the_bound),
        cmocka_unit_test(stands_before_recv),
        cmocka_unit_test(leaves_other_sockets_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
