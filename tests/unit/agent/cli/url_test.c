/* Addresses: base URLs, control addresses, and those that others can read on the network. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/cli/url.h"

static void base_urls(void **state) {
    static const struct {
        const char *text, *base; /* NULL: refused */
    } rows[] = {
        {"https://deploy.example.net", "https://deploy.example.net"},
        {"http://10.0.0.1:9077///", "http://10.0.0.1:9077"},
        {"HTTPS://Example.net/agent/", "HTTPS://Example.net/agent"},
        {"http://[::1]:9077", "http://[::1]:9077"},
        {"ftp://example.net", NULL},
        {"example.net", NULL},
        {"https://", NULL},
        {"https:///path", NULL},
        {"https://user:word@example.net", NULL},
        {"https://example.net/?a=b", NULL},
        {"https://example.net/#part", NULL},
        {"https://example.net/a b", NULL},
        {"https://example.net/\n", NULL},
        {"https://ex\xc3\xa4mple.net", NULL},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        CLEANUP(buf_release) struct buf out = BUF_INIT(URL_MAX);
        struct err err = ERR_INIT;
        bool good = url_base(rows[i].text, &out, &err);
        if (rows[i].base) {
            assert_true(good);
            assert_string_equal(buf_text(&out), rows[i].base);
        } else {
            assert_false(good);
            assert_int_equal(err.kind, ERR_INVALID);
            assert_int_equal(out.len, 0);
        }
    }
}

static void readable_on_the_network(void **state) {
    (void)state;
    assert_true(url_is_clear("http://deploy.example.net"));
    assert_true(url_is_clear("HTTP://10.0.0.1:9077"));
    assert_true(url_is_clear("http://127.0.0.1.example.net"));
    assert_true(url_is_clear("http://localhost.example.net"));
    assert_false(url_is_clear("https://deploy.example.net"));
    assert_false(url_is_clear("http://127.0.0.1:9077"));
    assert_false(url_is_clear("http://127.9.9.9/agent"));
    assert_false(url_is_clear("http://LocalHost:9077"));
    assert_false(url_is_clear("http://[::1]:9077"));
}

static void hosts(void **state) {
    static const struct {
        const char *url, *host;
    } rows[] = {
        {"https://Deploy.Example.net:9077/agent", "deploy.example.net"},
        {"http://[FD00::1]:9077", "[fd00::1]"},
        {"http://10.0.0.1", "10.0.0.1"},
        {"unix:/run/socket", ""},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        CLEANUP(buf_release) struct buf out = BUF_INIT(URL_MAX);
        url_put_host(rows[i].url, &out);
        assert_string_equal(buf_text(&out), rows[i].host);
    }
}

static void control_addresses(void **state) {
    static const struct {
        const char *text, *socket, *base; /* both NULL: refused */
    } rows[] = {
        {"unix:/run/landwaiter/control.sock", "/run/landwaiter/control.sock", NULL},
        {"127.0.0.1:9078", NULL, "http://127.0.0.1:9078"},
        {"[::1]:9078", NULL, "http://[::1]:9078"},
        {"https://deploy.example.net/control/", NULL, "https://deploy.example.net/control"},
        {"unix:", NULL, NULL},
        {":9078", NULL, NULL},
        {"127.0.0.1", NULL, NULL},
        {"127.0.0.1:", NULL, NULL},
        {"127.0.0.1:http", NULL, NULL},
        {"127.0.0.1:123456", NULL, NULL},
        {"/run/landwaiter/control.sock", NULL, NULL},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        CLEANUP(url_control_release) struct url_control out = URL_CONTROL_INIT;
        struct err err = ERR_INIT;
        bool good = url_control_parse(rows[i].text, &out, &err);
        assert_int_equal(good, rows[i].socket || rows[i].base);
        assert_string_equal(buf_text(&out.socket), rows[i].socket ? rows[i].socket : "");
        assert_string_equal(buf_text(&out.base), rows[i].base ? rows[i].base : "");
        assert_int_equal(err.kind, good ? ERR_NONE : ERR_INVALID);
    }
}

/* The address of a Unix socket holds 107 bytes of path. */
static void longest_socket(void **state) {
    char text[5 + 108 + 1] = "unix:";
    (void)state;
    memset(text + 5, 'a', 108);
    CLEANUP(url_control_release) struct url_control out = URL_CONTROL_INIT;
    struct err err = ERR_INIT;
    assert_false(url_control_parse(text, &out, &err));
    text[5 + 107] = '\0';
    assert_true(url_control_parse(text, &out, &err));
    assert_int_equal(out.socket.len, 107);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base_urls),      cmocka_unit_test(readable_on_the_network),
        cmocka_unit_test(hosts),          cmocka_unit_test(control_addresses),
        cmocka_unit_test(longest_socket),
    };
    return cmocka_run_group_tests_name("url", tests, NULL, NULL);
}
