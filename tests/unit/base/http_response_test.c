/* Headers of answers: the right line, its value without white space, and Retry-After's limits. */
#include "base/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void a_name_is_matched_whole(void **state) {
    (void)state;
    assert_true(http_header_is("Accept: a", "accept"));
    assert_true(http_header_is("accept:", "Accept"));
    assert_false(http_header_is("Accept-Encoding: a", "Accept"));
    assert_false(http_header_is("Accep: a", "Accept"));
    assert_false(http_header_is("Accept : a", "Accept"));
    assert_false(http_header_is(" Accept: a", "Accept"));
    assert_false(http_header_is("Accept", "Accept"));
    assert_false(http_header_is("", "Accept"));
}

static void expect(const char *headers, const char *name, size_t index, const char *value) {
    CLEANUP(http_response_release) struct http_response response = HTTP_RESPONSE_INIT;
    CLEANUP(buf_release) struct buf out = BUF_INIT(8);
    buf_puts(&response.headers, headers);
    buf_puts(&out, "before");
    assert_int_equal(http_response_header(&response, name, index, &out), value != NULL);
    assert_string_equal(buf_text(&out), value ? value : "before");
}

static void values_are_trimmed_and_fit_or_not(void **state) {
    (void)state;
    static const char headers[] = "A: 1\nb:\t two \t\r\nB:3\nC:\nD: 12345678\nE: 123456789\n"
                                  "F: a: b\nX: A: 9\n";
    expect(headers, "a", 0, "1");
    expect(headers, "a", 1, NULL);
    expect(headers, "B", 0, "two");
    expect(headers, "b", 1, "3");
    expect(headers, "b", 2, NULL);
    expect(headers, "c", 0, "");
    expect(headers, "d", 0, "12345678");
    expect(headers, "e", 0, NULL);
    expect(headers, "f", 0, "a: b");
    expect("A: 1", "a", 0, "1"); /* without a line end */
    expect("", "a", 0, NULL);
    expect("\n\nA: 1\n", "a", 0, "1");
}

static void a_delay_is_bounded_and_never_negative(void **state) {
    (void)state;
    static const struct {
        const char *header;
        int64_t max_s, ms;
    } rows[] = {
        {"Retry-After: 5\n", 5, 5000},
        {"Retry-After: 6\n", 5, 5000},
        {"Retry-After: 999999999\n", 5, 5000},
        {"Retry-After: 9999999999\n", 5, 5000},
        {"Retry-After: 5\n", 0, 0},
        {"Retry-After: 5.5\n", 60, 0},
        {"Retry-After: 0x10\n", 60, 0},
        {"Retry-After: +5\n", 60, 0},
        {"Retry-After: \n", 60, 0},
        {"Retry-After: 5\nRetry-After: 9\n", 60, 5000},
        {"Retry-After: Thu, 01 Jan 1970 00:00:00 GMT\n", 60, 0},
        {"Retry-After: Fri, 31 Dec 9999 23:59:59 GMT\n", 60, 60000},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        CLEANUP(http_response_release) struct http_response response = HTTP_RESPONSE_INIT;
        buf_puts(&response.headers, rows[i].header);
        assert_int_equal(http_retry_after_ms(&response, rows[i].max_s), rows[i].ms);
    }
}

static void a_released_answer_is_empty(void **state) {
    (void)state;
    struct http_response response = HTTP_RESPONSE_INIT;
    response.status = 200;
    buf_puts(&response.headers, "A: 1\n");
    http_response_release(&response);
    assert_int_equal(response.status, 0);
    assert_int_equal(response.headers.len, 0);
    http_response_release(&response);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_matched_whole),
        cmocka_unit_test(values_are_trimmed_and_fit_or_not),
        cmocka_unit_test(a_delay_is_bounded_and_never_negative),
        cmocka_unit_test(a_released_answer_is_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
