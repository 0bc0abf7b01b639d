/* Credentials: every form of a config.json, valid and broken helper programs, the header for an
 * engine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "registry/credentials.h"

#define AUTH_CI "Y2k6czNjcmV0OnR3bw==" /* ci:s3cret:two */

static char folder[] = P_tmpdir "/credentials_test.XXXXXX";
static char saved_path[4096];

static void write_file(const char *name, const char *text, mode_t mode) {
    char path[256];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static void remove_file(const char *name) {
    char path[256];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(unlink(path), 0);
}

static const struct {
    const char *name, *script;
} helpers[] = {
    /* Echoes its input, to show what helpers get and how. */
    {"docker-credential-echo",
     "#!/bin/sh\nread -r key\nprintf '{\"ServerURL\":\"x\",\"Username\":\"%s\",\"Secret\":\"%s "
     "%s\"}' \"$key\" \"$#\" \"$1\"\n"},
    {"docker-credential-token",
     "#!/bin/sh\necho '{\"Username\":\"<token>\",\"Secret\":\"refresh\"}'\n"},
    {"docker-credential-none",
     "#!/bin/sh\necho credentials not found in native keychain\nexit 1\n"},
    {"docker-credential-broken", "#!/bin/sh\necho sesame open\nexit 3\n"},
    {"docker-credential-html", "#!/bin/sh\necho '<html>sesame'\n"},
    {"docker-credential-empty", "#!/bin/sh\necho '{\"Username\":\"a\",\"Secret\":\"\"}'\n"},
    {"docker-credential-flood", "#!/bin/sh\nexec yes sesame\n"},
    {"docker-credential-slow", "#!/bin/sh\nexec sleep 600\n"},
    {"docker-credential-closed", "#!/bin/sh\nexec >&-\nexec sleep 600\n"},
};

static int set_up(void **state) {
    (void)state;
    if (!mkdtemp(folder)) {
        return -1;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(helpers); i++) {
        write_file(helpers[i].name, helpers[i].script, 0700);
    }
    char path[8192];
    (void)snprintf(saved_path, sizeof saved_path, "%s", getenv("PATH") ? getenv("PATH") : "");
    (void)snprintf(path, sizeof path, "%s:%s", folder, saved_path);
    return setenv("PATH", path, 1);
}

static int tear_down(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(helpers); i++) {
        remove_file(helpers[i].name);
    }
    (void)setenv("PATH", saved_path, 1);
    return rmdir(folder);
}

static void expect_pair(const char *config, const char *host, const char *user,
                        const char *password) {
    CLEANUP(credentials_release) struct credentials found = CREDENTIALS_INIT;
    struct err err = ERR_INIT;
    if (!credentials_from_docker_config(config, host, &found, &err)) {
        fail_msg("%s in %s: %s", host, config, err.message);
    }
    if (!user) {
        assert_true(credentials_anonymous(&found));
        return;
    }
    if (!found.username) {
        fail_msg("%s in %s: anonymous", host, config);
    }
    assert_string_equal(found.username, user);
    assert_true(secret_equal(&found.password, password, strlen(password)));
}

static void finds_a_host_in_all_forms_of_keys(void **state) {
    (void)state;
    static const char *const keys[] = {
        "registry.lan:5000",          "https://registry.lan:5000",
        "https://registry.lan:5000/", "https://registry.lan:5000/v1/",
        "http://registry.lan:5000",   "registry.lan:5000/home",
        "registry.lan:5000/",         "https://registry.lan:5000/v2/",
        "REGISTRY.lan:5000",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(keys); i++) {
        char config[512];
        (void)snprintf(config, sizeof config, "{\"auths\":{\"%s\":{\"auth\":\"%s\"}}}", keys[i],
                       AUTH_CI);
        expect_pair(config, "registry.lan:5000", "ci", "s3cret:two");
        expect_pair(config, "registry.lan", NULL, NULL);
        expect_pair(config, "registry.lan:5001", NULL, NULL);
    }
}

static void finds_docker_hub_under_its_names(void **state) {
    (void)state;
    static const char *const keys[] = {"https://index.docker.io/v1/", "docker.io",
                                       "index.docker.io", "registry-1.docker.io"};
    for (size_t i = 0; i < ARRAY_LENGTH(keys); i++) {
        char config[512];
        (void)snprintf(config, sizeof config, "{\"auths\":{\"%s\":{\"auth\":\"%s\"}}}", keys[i],
                       AUTH_CI);
        expect_pair(config, "docker.io", "ci", "s3cret:two");
    }
}

static void takes_the_most_exact_key(void **state) {
    (void)state;
    expect_pair("{\"auths\":{\"r.lan/a\":{\"username\":\"path\",\"password\":\"1\"},"
                "\"https://r.lan/v1/\":{\"username\":\"url\",\"password\":\"2\"},"
                "\"r.lan\":{\"username\":\"host\",\"password\":\"3\"}}}",
                "r.lan", "host", "3");
}

static void reads_the_other_members(void **state) {
    (void)state;
    expect_pair("{}", "r.lan", NULL, NULL);
    expect_pair("{\"auths\":{\"r.lan\":{}}}", "r.lan", NULL, NULL);
    expect_pair("{\"auths\":{\"r.lan\":7}}", "r.lan", NULL, NULL);
    expect_pair("{\"auths\":[]}", "r.lan", NULL, NULL);
    /* base64 of "ci:pw" and two zero bytes */
    expect_pair("{\"auths\":{\"r.lan\":{\"auth\":\"Y2k6cHcAAA==\"}}}", "r.lan", "ci", "pw");
    CLEANUP(credentials_release) struct credentials found = CREDENTIALS_INIT;
    struct err err = ERR_INIT;
    assert_true(credentials_from_docker_config(
        "{\"auths\":{\"r.lan\":{\"auth\":\"\",\"identitytoken\":\"tok\"}}}", "r.lan", &found,
        &err));
    assert_false(credentials_anonymous(&found));
    assert_null(found.username);
    assert_true(secret_equal(&found.identity_token, "tok", 3));
}

static void refuses_what_it_cannot_read_without_repeating_it(void **state) {
    (void)state;
    static const char *const bad[] = {
        "",
        "[]",
        "{\"auths\":{\"r.lan\":{\"auth\":\"c2VzYW1l\"}}}",             /* sesame: no colon */
        "{\"auths\":{\"r.lan\":{\"auth\":\"OnNlc2FtZQ==\"}}}",         /* :sesame */
        "{\"auths\":{\"r.lan\":{\"auth\":\"sesame!\"}}}",              /* no base64 */
        "{\"auths\":{\"r.lan\":{\"auth\":\"Y2k6c2VzYW1lAG9wZW4=\"}}}", /* a zero byte inside */
    };
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        CLEANUP(credentials_release) struct credentials found = CREDENTIALS_INIT;
        struct err err = ERR_INIT;
        assert_false(credentials_from_docker_config(bad[i], "r.lan", &found, &err));
        assert_int_equal(err.kind, ERR_INVALID);
        assert_null(strstr(err.message, "sesame"));
        assert_true(credentials_anonymous(&found));
    }
}

static void asks_a_helper(void **state) {
    (void)state;
    expect_pair("{\"credHelpers\":{\"r.lan:5000\":\"echo\"},\"credsStore\":\"broken\","
                "\"auths\":{\"r.lan:5000\":{\"auth\":\"" AUTH_CI "\"}}}",
                "r.lan:5000", "r.lan:5000", "1 get");
    expect_pair("{\"credsStore\":\"echo\",\"auths\":{\"docker.io\":{\"auth\":\"" AUTH_CI "\"}}}",
                "docker.io", "https://index.docker.io/v1/", "1 get");
    expect_pair("{\"credsStore\":\"none\",\"auths\":{\"r.lan\":{\"auth\":\"" AUTH_CI "\"}}}",
                "r.lan", "ci", "s3cret:two");
    expect_pair("{\"credsStore\":\"none\",\"auths\":{\"r.lan\":{}}}", "r.lan", NULL, NULL);
    CLEANUP(credentials_release) struct credentials found = CREDENTIALS_INIT;
    struct err err = ERR_INIT;
    assert_true(credentials_from_helper("token", "r.lan", &found, &err));
    assert_null(found.username);
    assert_true(secret_equal(&found.identity_token, "refresh", 7));
}

static int64_t fake_boot;
static int64_t jumping_boot_ms(void) {
    return fake_boot += 9999;
}
static int64_t fake_now_ms(void) {
    return 0;
}

static void survives_bad_helpers(void **state) {
    (void)state;
    static const struct {
        const char *name, *why;
        enum err_kind kind;
        bool late;
    } bad[] = {
        {"missing", "cannot be started", ERR_INVALID, false},
        {"broken", "failed", ERR_TRANSIENT, false},
        {"html", "helper html", ERR_INVALID, false},
        {"empty", "no Secret", ERR_INVALID, false},
        {"flood", "too much", ERR_INVALID, false},
        {"slow", "did not answer", ERR_TRANSIENT, true},
        {"closed", "did not answer", ERR_TRANSIENT, true},
        {"", "not the name", ERR_INVALID, false},
        {"../echo", "not the name", ERR_INVALID, false},
        {"a b", "not the name", ERR_INVALID, false},
        {"echo;id", "not the name", ERR_INVALID, false},
    };
    static const struct clock_source jumping = {.now_ms = fake_now_ms, .boot_ms = jumping_boot_ms};
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        CLEANUP(credentials_release) struct credentials found = CREDENTIALS_INIT;
        struct err err = ERR_INIT;
        clock_replace(bad[i].late ? &jumping : NULL);
        assert_false(credentials_from_helper(bad[i].name, "r.lan", &found, &err));
        clock_replace(NULL);
        if (err.kind != bad[i].kind || !strstr(err.message, bad[i].why)) {
            fail_msg("%s: %s: %s", bad[i].name, err_kind_name(err.kind), err.message);
        }
        assert_null(strstr(err.message, "sesame"));
        assert_true(credentials_anonymous(&found));
    }
}

static void reads_a_file(void **state) {
    (void)state;
    char path[256];
    (void)snprintf(path, sizeof path, "%s/config.json", folder);
    CLEANUP(credentials_release) struct credentials found = CREDENTIALS_INIT;
    struct err err = ERR_INIT;
    assert_false(credentials_from_docker_config_file(path, "r.lan", &found, &err));
    assert_int_equal(err.kind, ERR_INVALID);
    assert_non_null(strstr(err.message, path));
    write_file("config.json", "{\"auths\":{\"r.lan\":{\"auth\":\"" AUTH_CI "\"}}}\n", 0600);
    assert_true(credentials_from_docker_config_file(path, "r.lan", &found, &err));
    assert_string_equal(found.username, "ci");
    remove_file("config.json");
    assert_false(credentials_from_docker_config_file(folder, "r.lan", &found, &err));
}

static void expect_header(const struct credentials *credentials, const char *host,
                          const char *json) {
    CLEANUP(buf_release) struct buf header = BUF_INIT(4096);
    credentials_engine_header(credentials, host, &header);
    char wanted[1024];
    (void)snprintf(wanted, sizeof wanted, "%s", json);
    CLEANUP(buf_release) struct buf encoded = BUF_INIT(4096);
    buf_put_base64url(&encoded, wanted, strlen(wanted));
    assert_string_equal(buf_text(&header), buf_text(&encoded));
}

static void makes_the_header_for_an_engine(void **state) {
    (void)state;
    CLEANUP(credentials_release) struct credentials credentials = CREDENTIALS_INIT;
    struct err err = ERR_INIT;
    CLEANUP(buf_release) struct buf header = BUF_INIT(64);
    credentials_engine_header(&credentials, "r.lan", &header);
    assert_string_equal(buf_text(&header), "e30=");
    credentials.username = strdup("ci");
    assert_true(secret_set(&credentials.password, "p\"?>~", 5, &err));
    expect_header(
        &credentials, "r.lan:5000",
        "{\"username\":\"ci\",\"password\":\"p\\\"?>~\",\"serveraddress\":\"r.lan:5000\"}");
    CLEANUP(credentials_release) struct credentials copy = CREDENTIALS_INIT;
    assert_true(credentials_copy(&credentials, &copy, &err));
    expect_header(&copy, "docker.io",
                  "{\"username\":\"ci\",\"password\":\"p\\\"?>~\",\"serveraddress\":"
                  "\"https://index.docker.io/v1/\"}");
    assert_true(secret_set(&copy.identity_token, "tok", 3, &err));
    expect_header(&copy, "r.lan", "{\"identitytoken\":\"tok\",\"serveraddress\":\"r.lan\"}");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_a_host_in_all_forms_of_keys),
        cmocka_unit_test(finds_docker_hub_under_its_names),
        cmocka_unit_test(takes_the_most_exact_key),
        cmocka_unit_test(reads_the_other_members),
        cmocka_unit_test(refuses_what_it_cannot_read_without_repeating_it),
        cmocka_unit_test(asks_a_helper),
        cmocka_unit_test(survives_bad_helpers),
        cmocka_unit_test(reads_a_file),
        cmocka_unit_test(makes_the_header_for_an_engine),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
