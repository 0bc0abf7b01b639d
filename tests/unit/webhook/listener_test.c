/* Listening addresses: accepted ones, and socket files that already exist. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/stat.h>
#include <unistd.h>

#include "webhook/listener.h"

static void refuses_what_is_no_address(void **state) {
    (void)state;
    static const char *const wrong[] = {
        "",         "9077",           ":9077",           "127.0.0.1",      "127.0.0.1:",
        "::1:9077", "127.0.0.1:http", "127.0.0.1:70000", "localhost:9077", "unix:",
        "[::1]",    "127.0.0.1:-1",   "256.0.0.1:1",     "[127.0.0.1:1",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
        struct listener listener = {.fd = -1};
        struct err err = ERR_INIT;
        assert_false(listener_open(wrong[i], &listener, &err));
        assert_int_equal(err.kind, ERR_INVALID);
        assert_int_equal(listener.fd, -1);
    }
}

static void says_which_address_is_taken(void **state) {
    (void)state;
    struct listener first;
    struct listener second;
    struct err err = ERR_INIT;
    char address[32];
    assert_true(listener_open("127.0.0.1:0", &first, &err));
    assert_true(first.port > 0);
    (void)snprintf(address, sizeof address, "127.0.0.1:%u", first.port);
    assert_false(listener_open(address, &second, &err));
    assert_non_null(strstr(err.message, address));
    (void)close(first.fd);
}

static void replaces_only_a_stale_socket(void **state) {
    (void)state;
    char folder[] = "/tmp/listener-XXXXXX";
    char path[64];
    char address[80];
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/hook.sock", folder);
    (void)snprintf(address, sizeof address, "unix:%s", path);
    struct listener listener;
    struct listener other;
    struct err err = ERR_INIT;
    struct stat status;
    assert_true(listener_open(address, &listener, &err));
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0660);
    assert_false(listener_open(address, &other, &err));
    assert_non_null(strstr(err.message, "another process"));
    (void)close(listener.fd);
    assert_true(listener_open(address, &listener, &err));
    (void)close(listener.fd);
    (void)unlink(path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    (void)fclose(file);
    assert_false(listener_open(address, &listener, &err));
    assert_non_null(strstr(err.message, "not a socket"));
    (void)unlink(path);
    (void)rmdir(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_what_is_no_address),
        cmocka_unit_test(says_which_address_is_taken),
        cmocka_unit_test(replaces_only_a_stale_socket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
