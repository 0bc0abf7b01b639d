/* The credentials of one registry: each source, and what a failure leaves. */
#include "registry/host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static bool credentials_of(const struct registry_host *host, struct credentials *out,
                           struct err *err) {
    return registry_host_credentials(host, out, err);
}

static void no_configuration_is_anonymous(void **state) {
    (void)state;
    struct credentials out = CREDENTIALS_INIT;
    struct err err = ERR_INIT;
    assert_true(credentials_of(NULL, &out, &err));
    assert_true(credentials_anonymous(&out));
    /* Credentials beside another source are not used. */
    struct registry_host host = {.source = REGISTRY_ANONYMOUS};
    host.host = strdup("registry.lan");
    host.credentials.username = strdup("brian");
    assert_true(credentials_of(&host, &out, &err));
    assert_true(credentials_anonymous(&out));
    registry_host_release(&host);
}

static void static_ones_are_copied(void **state) {
    (void)state;
    struct registry_host host = {.source = REGISTRY_STATIC};
    struct credentials out = CREDENTIALS_INIT;
    struct err err = ERR_INIT;
    host.credentials.username = strdup("brian");
    assert_true(secret_set(&host.credentials.password, "hunter2", 7, &err));
    assert_true(credentials_of(&host, &out, &err));
    registry_host_release(&host);
    assert_string_equal(out.username, "brian");
    assert_true(secret_equal(&out.password, "hunter2", 7));
    credentials_release(&out);
}

static void a_source_that_fails_is_not_anonymous(void **state) {
    (void)state;
    struct registry_host rows[] = {
        {.source = REGISTRY_DOCKER_CONFIG, .docker_config = strdup("/nowhere/config.json")},
        {.source = REGISTRY_HELPER, .helper = strdup("../sh")},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct credentials out = CREDENTIALS_INIT;
        struct err err = ERR_INIT;
        rows[i].host = strdup("registry.lan");
        assert_false(credentials_of(&rows[i], &out, &err));
        assert_int_not_equal(err.kind, ERR_NONE);
        assert_null(out.username);
        registry_host_release(&rows[i]);
    }
}

static void release_leaves_nothing(void **state) {
    (void)state;
    static const struct registry_host none;
    struct registry_host host = {.host = strdup("registry.lan"),
                                 .ca_file = strdup("/ca"),
                                 .token_hosts = calloc(3, sizeof(char *)),
                                 .insecure_skip_verify = true,
                                 .source = REGISTRY_HELPER,
                                 .helper = strdup("pass")};
    assert_non_null(host.token_hosts);
    host.token_hosts[0] = strdup("a");
    host.token_hosts[1] = strdup("b");
    registry_host_release(&host);
    assert_null(host.host);
    assert_null(host.token_hosts);
    assert_false(host.insecure_skip_verify);
    assert_int_equal(host.source, none.source);
    registry_host_release(&host);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_configuration_is_anonymous),
        cmocka_unit_test(static_ones_are_copied),
        cmocka_unit_test(a_source_that_fails_is_not_anonymous),
        cmocka_unit_test(release_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
