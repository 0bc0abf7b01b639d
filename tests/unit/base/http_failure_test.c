/* Every code of libcurl, even of versions newer than the headers, is permanent unless listed as a
 * network failure. */
#include "base/http_failure.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <curl/curl.h>

#define DEBIAN_12 0x075801U /* 7.88.1 */
#define DEBIAN_13 0x080e01U /* 8.14.1 */

static void only_known_troubles_of_the_network_are_tried_again(void **state) {
    (void)state;
    static const int transient[] = {
        CURLE_FAILED_INIT,
        CURLE_COULDNT_RESOLVE_HOST,
        CURLE_COULDNT_CONNECT,
        CURLE_PARTIAL_FILE,
        CURLE_OPERATION_TIMEDOUT,
        CURLE_SSL_CONNECT_ERROR,
        CURLE_ABORTED_BY_CALLBACK,
        CURLE_GOT_NOTHING,
        CURLE_SEND_ERROR,
        CURLE_RECV_ERROR,
        CURLE_SEND_FAIL_REWIND,
        CURLE_SSL_SHUTDOWN_FAILED,
        CURLE_AGAIN,
        CURLE_NO_CONNECTION_AVAILABLE,
        CURLE_UNRECOVERABLE_POLL,
    };
    for (int code = 1; code < 200; code++) {
        enum err_kind expected = ERR_INVALID;
        for (size_t i = 0; i < ARRAY_LENGTH(transient); i++) {
            expected = transient[i] == code ? ERR_TRANSIENT : expected;
        }
        struct http_failure failure = http_failure_of(code, DEBIAN_12);
        if (failure.kind != expected) {
            fail_msg("code %d is %s", code, err_kind_name(failure.kind));
        }
        assert_true(failure.text && *failure.text);
    }
}

static void a_header_that_is_too_large_and_memory_that_is_short(void **state) {
    (void)state;
    static const struct {
        int code;
        unsigned version;
        enum err_kind kind;
        const char *text;
    } rows[] = {
        {27, DEBIAN_12, ERR_INVALID, "the answer's header is too large"},
        {27, 0x0805ffU, ERR_INVALID, "the answer's header is too large"},
        {27, 0x080600U, ERR_TRANSIENT, "out of memory"},
        {27, DEBIAN_13, ERR_TRANSIENT, "out of memory"},
        {100, DEBIAN_13, ERR_INVALID, "the answer's header is too large"},
        {100, DEBIAN_12, ERR_INVALID, "the answer's header is too large"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct http_failure failure = http_failure_of(rows[i].code, rows[i].version);
        assert_int_equal(failure.kind, rows[i].kind);
        assert_string_equal(failure.text, rows[i].text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_known_troubles_of_the_network_are_tried_again),
        cmocka_unit_test(a_header_that_is_too_large_and_memory_that_is_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
