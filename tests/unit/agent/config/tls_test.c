/* TLS and trusted proxies of the listener: addresses, and files that are no certificate. */
#include "tests/unit/agent/config/parsed.h"

static void proxies_are_addresses(void **state) {
    (void)state;
    static const struct {
        const char *list, *words; /* NULL: good */
    } rows[] = {
        {"[127.0.0.1, \"10.0.0.0/8\", \"fd00::/8\"]", NULL},
        {"[]", NULL},
        {"127.0.0.1", "must be a list of at most 64 addresses"},
        {"[proxy.lan]", "6:19: `trusted_proxies`: "},
        {"[\"10.0.0.0/33\"]", "6:19: `trusted_proxies`: "},
        {"[127.0.0.1, '']", "6:30: `trusted_proxies` is empty"},
        {"[[127.0.0.1]]", "`trusted_proxies` has the wrong type"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        char text[256];
        (void)snprintf(text, sizeof text, "trusted_proxies: %s\n", rows[i].list);
        if (rows[i].words) {
            parsed_refused(text, rows[i].words);
        } else {
            config_drop(parsed(text, NULL));
        }
    }
    static const char item[] = "  - 10.0.0.#\n";
    CLEANUP(config_release)
    struct config *config = parsed(parsed_many("trusted_proxies:\n", item, 64), NULL);
    assert_int_equal(config->proxies.count, 64);
    parsed_refused(parsed_many("trusted_proxies:\n", item, 65), "at most 64 addresses");
}

static void both_files_must_be_there_and_fit(void **state) {
    (void)state;
    parsed_refused("tls: {certificate: /dev/null}\n", "`key` is missing");
    parsed_refused("tls: {key: /dev/null}\n", "`certificate` is missing");
    parsed_refused("tls: {certificate: /dev/null, key: /dev/null}\n", "`tls`: ");
    parsed_refused("tls: {certificate: /nowhere/a.crt, key: /nowhere/a.key}\n", "/nowhere/a.crt");
    parsed_refused("tls: [a]\n", "`tls` has the wrong type");
}

#define TEST(function) cmocka_unit_test_setup(function, parsed_setup)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(proxies_are_addresses),
        TEST(both_files_must_be_there_and_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
