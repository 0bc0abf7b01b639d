/* Registries: hosts as image names have them, trust, credentials, and the lookup of a host. */
#include "tests/unit/agent/config/parsed.h"

#include <unistd.h>

#define REGISTRY(host, more) "registries:\n  - {host: " host more "}\n"

static void a_host_is_that_of_image_names(void **state) {
    (void)state;
    static const struct {
        const char *host, *is; /* NULL: refused */
    } rows[] = {
        {"ghcr.io", "ghcr.io"},
        {"'registry.lan:5000'", "registry.lan:5000"},
        {"localhost", "localhost"},
        {"docker.io", "docker.io"},
        {"index.docker.io", "docker.io"},
        {"registry-1.docker.io", "docker.io"},
        {"'https://ghcr.io'", NULL},
        {"ghcr.io/brian", NULL},
        {"registry", NULL}, /* an image "registry/x" is Docker Hub's */
        {"'user:hunter2@ghcr.io'", NULL},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        char text[256];
        (void)snprintf(text, sizeof text, REGISTRY("%s", ""), rows[i].host);
        if (!rows[i].is) {
            parsed_refused(text, "`host`");
            continue;
        }
        CLEANUP(config_release) struct config *config = parsed(text, NULL);
        assert_string_equal(config->registries[0].host, rows[i].is);
        assert_ptr_equal(config_registry(config, rows[i].is), &config->registries[0]);
        assert_null(config_registry(config, "other.lan"));
    }
}

static void a_password_in_a_host_is_not_quoted(void **state) {
    (void)state;
    static const char text[] = PARSED_SENDER REGISTRY("'user:hunter2@ghcr.io'", "");
    CLEANUP(config_faults_release) struct config_faults faults = {0};
    struct config *config = NULL;
    assert_false(config_parse(text, strlen(text), &config, &faults));
    assert_true(faults.count > 0);
    for (size_t i = 0; i < faults.count; i++) {
        assert_null(strstr(faults.items[i].message, "hunter2"));
    }
}

static void kinds_of_trust_exclude_each_other(void **state) {
    (void)state;
    static const struct {
        const char *more, *words;
    } rows[] = {
        {", plain_http: true, ca: /dev/null", "`ca` has no use with `plain_http`"},
        {", plain_http: true, insecure_skip_verify: true", "`insecure_skip_verify` has no use"},
        {", insecure_skip_verify: true, ca: /dev/null", "`ca` has no use with `insecure"},
        {", plain_http: 'true'", "write true, without quotes"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        char text[256];
        (void)snprintf(text, sizeof text, REGISTRY("ghcr.io", "%s"), rows[i].more);
        parsed_refused(text, rows[i].words);
    }
    config_drop(
        parsed(REGISTRY("ghcr.io", ", plain_http: true, insecure_skip_verify: false"), NULL));
}

static void credentials_are_of_one_kind(void **state) {
    (void)state;
    static const struct {
        const char *credentials, *words;
    } rows[] = {
        {"{}", "needs exactly one kind"},
        {"{username: a}", "`password` is missing"},
        {"{password: {env: PARSED_SECRET}}", "`username` is missing"},
        {"{username: a, password: {env: PARSED_SECRET}, helper: pass}", "needs exactly one kind"},
        {"{helper: pass, docker_config: /nowhere/config.json}", "needs exactly one kind"},
        {"{helper: '../sh'}", "not the name of a credential helper"},
        {"{helper: 'a b'}", "not the name of a credential helper"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        char text[256];
        (void)snprintf(text, sizeof text, REGISTRY("ghcr.io", ", credentials: %s"),
                       rows[i].credentials);
        parsed_refused(text, rows[i].words);
    }
    CLEANUP(config_release)
    struct config *config = parsed(
        REGISTRY("ghcr.io", ", credentials: {username: a, password: {env: PARSED_SECRET}}"), NULL);
    assert_int_equal(config->registries[0].source, REGISTRY_STATIC);
    /* A login may be written later. */
    config_drop(parsed(REGISTRY("ghcr.io", ", credentials: {docker_config: /nowhere/config.json}"),
                       "warning: "));
}

static void two_entries_of_one_host_are_joined(void **state) {
    (void)state;
    parsed_refused("registries:\n  - {host: docker.io}\n  - {host: ghcr.io}\n"
                   "  - {host: index.docker.io}\n",
                   "9:12: two registries have the host `docker.io`");
    parsed_refused(parsed_many("registries:\n", "  - {host: r#.lan}\n", 1001), "at most 1000");
    parsed_refused(REGISTRY("ghcr.io", ", token_hosts: ['https://x']"), "this is not a host");
    parsed_refused(REGISTRY("ghcr.io", ", token_hosts: x.lan"), "`token_hosts` must be a list");
    CLEANUP(config_release)
    struct config *config = parsed(REGISTRY("ghcr.io", ", token_hosts: [a.lan, 'b.lan:1']"), NULL);
    assert_string_equal(config->registries[0].token_hosts[1], "b.lan:1");
    assert_null(config->registries[0].token_hosts[2]);
}

static void other_hosts_get_the_login_of_the_user(void **state) {
    (void)state;
    char folder[] = "/tmp/landwaiter-login-XXXXXX";
    char path[64];
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/config.json", folder);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(setenv("DOCKER_CONFIG", folder, 1), 0);
    CLEANUP(config_release) struct config *config = parsed(REGISTRY("ghcr.io", ""), NULL);
    assert_int_equal(config_registry(config, "ghcr.io")->source, REGISTRY_ANONYMOUS);
    const struct registry_host *other = config_registry(config, "other.lan");
    assert_int_equal(other->source, REGISTRY_DOCKER_CONFIG);
    assert_string_equal(other->docker_config, path);
    assert_ptr_equal(config_registry(config, "other.lan"), other);
    /* The number of remembered hosts is bounded. */
    for (int i = 0; i < 1100; i++) {
        char host[32];
        (void)snprintf(host, sizeof host, "h%d.lan", i);
        assert_int_equal(config_registry(config, host) != NULL, i < 999);
    }
    assert_ptr_equal(config_registry(config, "other.lan"), other);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

#define TEST(function) cmocka_unit_test_setup(function, parsed_setup)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_host_is_that_of_image_names),      TEST(a_password_in_a_host_is_not_quoted),
        TEST(kinds_of_trust_exclude_each_other),  TEST(credentials_are_of_one_kind),
        TEST(two_entries_of_one_host_are_joined), TEST(other_hosts_get_the_login_of_the_user),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
