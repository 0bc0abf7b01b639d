/* Framing: which headers may stand together, and what is hidden between them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "webhook/framing.h"

static struct framing_request request_of(const char *const *lines) {
    struct framing_request request = {.method = "POST", .version = "HTTP/1.1"};
    for (; *lines; lines++) {
        const char *colon = strchr(*lines, ':');
        assert_non_null(colon);
        const char *value = colon + 1 + strspn(colon + 1, " ");
        request.headers[request.count++] =
            (struct framing_header){*lines, (size_t)(colon - *lines), value, strlen(value)};
    }
    return request;
}

static void judges_headers(void **state) {
    (void)state;
    struct sender ci = {.name = (char[]){"ci"}, .hmac_header = (char[]){"X-My-Signature"}};
    const struct sender_set set = {&ci, 1};
    static const struct {
        const char *lines[5];
        unsigned status;
    } cases[] = {
        {{"Host: a", "Content-Length: 3"}, 0},
        {{"host: a", "transfer-encoding: chunked"}, 0},
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
        {{"Host: a", "Content-Length: 9999999999999999999999"}, 400},
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
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct framing_request request = request_of(cases[i].lines);
        struct framing_body body = {0};
        const char *why = NULL;
        request.senders = &set;
        assert_int_equal(framing_check(&request, &body, &why), cases[i].status);
        assert_int_equal(why != NULL, cases[i].status != 0);
    }
}

static void says_which_body_follows(void **state) {
    (void)state;
    struct framing_body body = {0};
    const char *why = NULL;
    const char *const announced[] = {"Host: a", "Content-Length: 2147483648", NULL};
    struct framing_request request = request_of(announced);
    assert_int_equal(framing_check(&request, &body, &why), 0);
    assert_true(body.announced && !body.chunked && body.length == 2147483648);
    const char *const chunked[] = {"Host: a", "Transfer-Encoding: chunked", NULL};
    request = request_of(chunked);
    assert_int_equal(framing_check(&request, &body, &why), 0);
    assert_true(body.chunked && !body.announced && body.length == 0);
    request.count = FRAMING_HEADERS_MAX + 1;
    assert_int_equal(framing_check(&request, &body, &why), 431);
    const char *const none[] = {NULL};
    request = request_of(none);
    request.version = "HTTP/1.0";
    assert_int_equal(framing_check(&request, &body, &why), 0);
}

static void finds_what_lies_between(void **state) {
    (void)state;
    static const char bytes[] = "GET\0/a\0HTTP/1.1\0\nA\0 b\0\nC\0d\0\n\r\n";
    struct framing_request request = {.method = bytes, .version = bytes + 7, .count = 2};
    request.headers[0] = (struct framing_header){bytes + 17, 1, bytes + 20, 1};
    request.headers[1] = (struct framing_header){bytes + 23, 1, bytes + 25, 1};
    request.header_size = sizeof bytes - 1;
    assert_true(framing_contiguous(&request));
    request.header_size += 1; /* a zero byte and more behind the last value, a nameless line */
    assert_false(framing_contiguous(&request));
    request.header_size -= 1;
    request.headers[1].name++; /* a line that ended by LF alone would move it, too */
    assert_false(framing_contiguous(&request));
    request.headers[1].name--;
    request.headers[0].value = bytes; /* a folded line: the value is elsewhere */
    assert_false(framing_contiguous(&request));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judges_headers),
        cmocka_unit_test(says_which_body_follows),
        cmocka_unit_test(finds_what_lies_between),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
