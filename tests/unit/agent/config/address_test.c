/* Addresses and paths of the configuration. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/config/keys.h"

static void assert_accepts(bool (*check)(const char *, struct err *), const char *const *good,
                           const char *const *bad) {
    for (; *good; good++) {
        struct err err = ERR_INIT;
        if (!check(*good, &err)) {
            fail_msg("%s: %s", *good, err.message);
        }
    }
    for (; *bad; bad++) {
        struct err err = ERR_INIT;
        if (check(*bad, &err)) {
            fail_msg("%s was accepted", *bad);
        }
        assert_int_equal(err.kind, ERR_INVALID);
        assert_true(err.message[0] != '\0');
    }
}

static void listening_addresses(void **state) {
    (void)state;
    static const char *const good[] = {"0.0.0.0:9077", "127.0.0.1:0",    "[::]:9077", "[::1]:65535",
                                       "host.lan:80",  "unix:/run/x.sk", NULL};
    static const char *const bad[] = {
        "",         "9077",  ":9077",  "1.2.3:80", "[::]",   "[::1]:65536", "host:", "[]:80",
        "-host:80", "unix:", "::1:80", "host:80x", "a b:80", "host:000080", NULL};
    assert_accepts(config_check_listen, good, bad);
}

static void engines(void **state) {
    (void)state;
    static const char *const good[] = {"unix:///var/run/docker.sock", "tcp://engine.lan:2376",
                                       "tcp://[fd00::1]:2375", NULL};
    static const char *const bad[] = {"unix://var/run/docker.sock",
                                      "unix://",
                                      "tcp://engine.lan",
                                      "tcp://engine.lan:0",
                                      "ssh://x",
                                      "/var/run/docker.sock",
                                      NULL};
    assert_accepts(config_check_docker_host, good, bad);
}

static void a_socket_path_has_a_limit(void **state) {
    (void)state;
    char address[5 + 108 + 1] = "unix:";
    struct err err = ERR_INIT;
    memset(address + 5, 'x', 108);
    assert_false(config_check_listen(address, &err));
    assert_non_null(strstr(err.message, "longer than 107 bytes"));
    address[5 + 107] = '\0';
    assert_true(config_check_listen(address, &err));
}

static void local_addresses(void **state) {
    (void)state;
    assert_true(config_address_is_local("unix:/run/x"));
    assert_true(config_address_is_local("127.0.0.2:9077"));
    assert_true(config_address_is_local("[::1]:9077"));
    assert_true(config_address_is_local("localhost:9077"));
    assert_false(config_address_is_local("0.0.0.0:9077"));
    assert_false(config_address_is_local("[::]:9077"));
    assert_false(config_address_is_local("localhost.example.org:9077"));
    assert_false(config_address_is_socket("127.0.0.1:9077"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(listening_addresses),
        cmocka_unit_test(engines),
        cmocka_unit_test(a_socket_path_has_a_limit),
        cmocka_unit_test(local_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
