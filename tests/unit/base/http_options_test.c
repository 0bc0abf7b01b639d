/* A request as options of libcurl: its header lines, and the options of each method. */
#include "base/http_options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void lines_of(const char *const *headers, struct buf *out) {
    const struct http_request request = {.headers = headers};
    struct curl_slist *list = NULL;
    struct err err = ERR_INIT;
    if (!http_options_headers(&request, &list, &err)) {
        fail_msg("%s", err.message);
    }
    for (const struct curl_slist *at = list; at; at = at->next) {
        buf_printf(out, "%s|", at->data);
    }
    curl_slist_free_all(list);
}

static void keeps_libcurl_from_adding_headers(void **state) {
    (void)state;
    static const struct {
        const char *headers[3], *lines;
    } rows[] = {
        {{NULL}, "Expect:|Content-Type:|"},
        {{"Accept: a/b", NULL}, "Accept: a/b|Expect:|Content-Type:|"},
        {{"content-type: a/b", NULL}, "content-type: a/b|Expect:|"},
        {{"Content-Type: a/b", "X: y", NULL}, "Content-Type: a/b|X: y|Expect:|"},
        {{"Content-Types: a/b", NULL}, "Content-Types: a/b|Expect:|Content-Type:|"},
        {{"X: Content-Type: a/b", NULL}, "X: Content-Type: a/b|Expect:|Content-Type:|"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        CLEANUP(buf_release) struct buf lines = BUF_INIT(256);
        lines_of(rows[i].headers, &lines);
        assert_string_equal(buf_text(&lines), rows[i].lines);
    }
    CLEANUP(buf_release) struct buf none = BUF_INIT(256);
    lines_of(NULL, &none);
    assert_string_equal(buf_text(&none), "Expect:|Content-Type:|");
}

static void refuses_line_breaks_in_any_header(void **state) {
    (void)state;
    static const char *const bad[] = {"X: a\r\nHost: b", "X: a\n", "X: a\rb", "\nX: a"};
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        const char *const headers[] = {"Authorization: Bearer hunter2", bad[i], NULL};
        const struct http_request request = {.headers = headers};
        struct curl_slist *list = NULL;
        struct err err = ERR_INIT;
        assert_false(http_options_headers(&request, &list, &err));
        assert_int_equal(err.kind, ERR_INVALID);
        /* Headers may hold credentials. */
        assert_null(strstr(err.message, "hunter2"));
        assert_null(strstr(err.message, "Host"));
        curl_slist_free_all(list);
    }
}

static void takes_every_kind_of_request(void **state) {
    (void)state;
    const struct http_tls tls[] = {
        {.ca_file = "/ca", .cert_file = "/cert", .insecure_skip_verify = true},
        {.ca_pem = "ca", .cert_pem = "cert", .key_pem = "key"},
        {.cert_pem = "cert"},
    };
    static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"};
    for (size_t i = 0; i < ARRAY_LENGTH(methods); i++) {
        for (size_t j = 0; j < ARRAY_LENGTH(tls); j++) {
            CURL *easy = curl_easy_init();
            assert_non_null(easy);
            const struct http_request request = {.method = methods[i],
                                                 .unix_socket = j == 0 ? "/socket" : NULL,
                                                 .close_connection = j == 1,
                                                 .body = "x",
                                                 .body_len = j,
                                                 .tls = &tls[j]};
            assert_true(http_options_set(easy, &request, "https://example.org/"));
            curl_easy_cleanup(easy);
        }
    }
}

static void takes_any_time(void **state) {
    (void)state;
    static const int64_t times[] = {0, 1, INT32_MAX, INT64_C(1) << 40, INT64_MAX};
    for (size_t i = 0; i < ARRAY_LENGTH(times); i++) {
        CURL *easy = curl_easy_init();
        assert_non_null(easy);
        const struct http_request request = {.connect_timeout_ms = times[i]};
        assert_true(http_options_timeouts(easy, &request, times[i]));
        curl_easy_cleanup(easy);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_libcurl_from_adding_headers),
        cmocka_unit_test(refuses_line_breaks_in_any_header),
        cmocka_unit_test(takes_every_kind_of_request),
        cmocka_unit_test(takes_any_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
