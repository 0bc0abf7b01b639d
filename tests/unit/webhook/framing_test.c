/* Framing: allowed combinations of headers, the end of the body, and equal results for any
 * segments. tests/data/framing has many more cases, at the listeners themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "webhook/framing.h"

static void raw(struct buf *out, const char *first, const char *const *lines) {
    buf_printf(out, "%s\r\n", first);
    for (; *lines; lines++) {
        buf_printf(out, "%s\r\n", *lines);
    }
    buf_puts(out, "\r\n");
}

static enum framing_state read_lines(struct buf *bytes, const char *first, const char *const *lines,
                                     struct framing_request *out) {
    raw(bytes, first, lines);
    return framing_read(bytes->data, bytes->len, out);
}

static void judges_headers(void **state) {
    (void)state;
    struct sender ci = {.name = (char[]){"ci"}, .hmac_header = (char[]){"X-My-Signature"}};
    struct sender robot = {.name = (char[]){"robot"}, .header_name = (char[]){"X-Token"}};
    const struct sender both[] = {ci, robot};
    const struct sender_set set = {(struct sender *)(uintptr_t)both, 2};
    static const struct {
        const char *lines[5];
        unsigned status;
    } cases[] = {
        {{"Host: a", "Content-Length: 3"}, 0},
        {{"host: a", "transfer-encoding: chunked"}, 0},
        {{"host: a", "transfer-encoding: Chunked"}, 0},
        {{"Host: a", "Accept: a", "accept: b"}, 0},
        {{"Content-Length: 3"}, 400},
        {{"Host: a", "Host: a"}, 400},
        {{"Host: a", "Content-Length: 3", "content-length: 4"}, 400},
        {{"Host: a", "Content-Length: 3", "Content-Length: 3"}, 400},
        {{"Host: a", "Content-Length: 3", "Transfer-Encoding: chunked"}, 400},
        {{"Host: a", "Transfer-Encoding: xchunked"}, 400},
        {{"Host: a", "Transfer-Encoding: gzip, chunked"}, 400},
        {{"Host: a", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked"}, 400},
        {{"Host: a", "Content-Length: +3"}, 400},
        {{"Host: a", "Content-Length: 3, 3"}, 400},
        {{"Host: a", "Content-Length: -1"}, 400},
        {{"Host: a", "Content-Length: "}, 400},
        {{"Host: a", "Content-Length: 9999999999999999999999x"}, 400},
        {{"Host: a", "X-Sig : one"}, 400},
        {{"Host: a", ": one"}, 400},
        {{"Host: a", "X-Sig: o\x01ne"}, 400},
        {{"Host: a", "X-Sig: o\tn\xc3\xa9"}, 0},
        {{"Host: a", "Authorization: a", "AUTHORIZATION: b"}, 400},
        {{"Host: a", "webhook-id: a", "Webhook-Id: a"}, 400},
        {{"Host: a", "webhook-signature: a", "webhook-signature: b"}, 400},
        {{"Host: a", "webhook-timestamp: 1", "webhook-timestamp: 1"}, 400},
        {{"Host: a", "Content-Type: a", "Content-Type: a"}, 400},
        {{"Host: a", "X-My-Signature: a", "x-my-signature: b"}, 400},
        {{"Host: a", "X-Token: a", "x-token: a"}, 400},
        {{"Host: a", "X-Sig: a\r\n b"}, 400},
        {{"Host: a", "X-Sig: a\nX: b"}, 400},
        {{"Host: a", "X-Sig: a\rX: b"}, 400},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        CLEANUP(buf_release) struct buf bytes = BUF_INIT(4096);
        struct framing_request request;
        bool whole =
            read_lines(&bytes, "POST / HTTP/1.1", cases[i].lines, &request) == FRAMING_WHOLE;
        assert_int_equal(whole && !framing_repeats(&request, &set), cases[i].status == 0);
        if (!whole) {
            assert_int_equal(request.status, cases[i].status);
            assert_non_null(request.why);
        }
    }
}

static void says_which_body_follows(void **state) {
    (void)state;
    static const struct {
        const char *lines[3];
        bool chunked, announced;
        uint64_t length;
    } cases[] = {
        {{"Host: a", "Content-Length: 2147483648"}, false, true, 2147483648},
        {{"Host: a", "Content-Length: \t 007 "}, false, true, 7},
        {{"Host: a", "Content-Length: 999999999999999999"}, false, true, 999999999999999999},
        {{"Host: a", "Content-Length: 1000000000000000000"}, false, true, INT64_MAX},
        {{"Host: a", "Content-Length: 9999999999999999999999"}, false, true, INT64_MAX},
        {{"Host: a", "Transfer-Encoding: chunked"}, true, false, 0},
        {{"Host: a"}, false, false, 0},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        CLEANUP(buf_release) struct buf bytes = BUF_INIT(4096);
        struct framing_request request;
        assert_int_equal(read_lines(&bytes, "POST / HTTP/1.1", cases[i].lines, &request),
                         FRAMING_WHOLE);
        assert_int_equal(request.body.chunked, cases[i].chunked);
        assert_int_equal(request.body.announced, cases[i].announced);
        assert_true(request.body.length == cases[i].length);
    }
    static const char *const none[] = {NULL};
    CLEANUP(buf_release) struct buf bytes = BUF_INIT(4096);
    struct framing_request request;
    assert_int_equal(read_lines(&bytes, "GET / HTTP/1.0", none, &request), FRAMING_WHOLE);
    assert_true(request.version_1_0);
}

static void hands_out_values(void **state) {
    (void)state;
    static const char *const lines[] = {"Host: a", "X-Forwarded-For: 1 ",
                                        "X-Empty:", "x-forwarded-for:\t2\t", NULL};
    CLEANUP(buf_release) struct buf bytes = BUF_INIT(4096);
    struct framing_request request;
    assert_int_equal(read_lines(&bytes, "GET /x?y HTTP/1.1", lines, &request), FRAMING_WHOLE);
    assert_int_equal(request.size, bytes.len);
    assert_int_equal(request.count, 4);
    assert_memory_equal(bytes.data + request.method.at, "GET", request.method.len);
    assert_memory_equal(bytes.data + request.target.at, "/x?y", request.target.len);
    assert_false(request.escaped_zero);
    framing_move(&request, bytes.data);
    assert_string_equal(framing_value(&request, "HOST"), "a");
    assert_string_equal(framing_value(&request, "X-Forwarded-For"), "1");
    assert_string_equal(framing_last(&request, "X-Forwarded-For"), "2");
    assert_string_equal(framing_value(&request, "x-empty"), "");
    assert_null(framing_value(&request, "X"));
    assert_null(framing_last(&request, "X"));
}

static void bounds_the_header(void **state) {
    (void)state;
    CLEANUP(buf_release) struct buf bytes = BUF_INIT(1 << 20);
    struct framing_request request;
    for (int more = 63; more <= 64; more++) {
        buf_clear(&bytes);
        buf_puts(&bytes, "GET / HTTP/1.1\r\nHost: a\r\n");
        for (int i = 0; i < more; i++) {
            buf_puts(&bytes, "X: y\r\n");
        }
        buf_puts(&bytes, "\r\n");
        enum framing_state expected = more == 63 ? FRAMING_WHOLE : FRAMING_REFUSED;
        assert_int_equal(framing_read(bytes.data, bytes.len, &request), expected);
        assert_int_equal(request.status, more == 63 ? 0 : 431);
    }
    /* To the byte. */
    for (int extra = 0; extra <= 1; extra++) {
        buf_clear(&bytes);
        buf_puts(&bytes, "GET / HTTP/1.1\r\nHost: a\r\nX: ");
        while (bytes.len < FRAMING_HEAD_MAX - 4 + (size_t)extra) {
            buf_putc(&bytes, 'y');
        }
        buf_puts(&bytes, "\r\n\r\n");
        enum framing_state expected = extra == 0 ? FRAMING_WHOLE : FRAMING_REFUSED;
        assert_int_equal(framing_read(bytes.data, bytes.len, &request), expected);
        assert_int_equal(request.status, extra == 0 ? 0 : 431);
    }
}

/* Each prefix is partial, and the whole gives the same result as at once. */
static void waits_for_the_rest(void **state) {
    (void)state;
    static const char bytes[] = "\r\nPOST /hooks/ci HTTP/1.1\r\nHost: a\r\nX-A: b\r\n\r\nbody";
    const size_t size = sizeof bytes - 1 - strlen("body");
    struct framing_request request;
    for (size_t len = 0; len < size; len++) {
        assert_int_equal(framing_read(bytes, len, &request), FRAMING_PARTIAL);
    }
    for (size_t len = size; len < sizeof bytes; len++) {
        assert_int_equal(framing_read(bytes, len, &request), FRAMING_WHOLE);
        assert_int_equal(request.size, size);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judges_headers),     cmocka_unit_test(says_which_body_follows),
        cmocka_unit_test(hands_out_values),   cmocka_unit_test(bounds_the_header),
        cmocka_unit_test(waits_for_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
