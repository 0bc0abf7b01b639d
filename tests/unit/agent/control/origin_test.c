/* The control API's Host: private names and addresses, no name that a stranger may own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/control/origin.h"

static void private_names_are_trusted(void **state) {
    (void)state;
    static const char *const names[] = {"127.0.0.1:9078",      "127.0.0.1",
                                        "[::1]:9078",          "192.168.1.5:9078",
                                        "localhost:9078",      "a.localhost",
                                        "landwaiter:9078",     "landwaiter.ops.svc:9078",
                                        "nas.local",           "nas.lan:9078",
                                        "host.home.arpa",      "LOCALHOST",
                                        "localhost.:9078",     "host.docker.internal",
                                        "x.svc.cluster.local", "me.example.net:9078",
                                        "Box.Example.org"};
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        if (!origin_trusted(names[i], "box.example.org:9078", "me.example.net")) {
            fail_msg("%s", names[i]);
        }
    }
    assert_true(origin_trusted(NULL, "0.0.0.0:9078", ""));
    assert_true(origin_trusted("", "0.0.0.0:9078", ""));
}

static void names_of_strangers_are_not(void **state) {
    (void)state;
    static const char *const names[] = {"evil.example",
                                        "evil.example:9078",
                                        "127.0.0.1.evil.example",
                                        "localhost.evil.example",
                                        "evillan.com",
                                        "a b.example",
                                        "[::1",
                                        "[::1]x",
                                        "127.0.0.1:80x",
                                        ":9078",
                                        "127.0.0.1:9078:1.example",
                                        "svc.example."};
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        if (origin_trusted(names[i], "127.0.0.1:9078", "")) {
            fail_msg("%s", names[i]);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(private_names_are_trusted),
        cmocka_unit_test(names_of_strangers_are_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
