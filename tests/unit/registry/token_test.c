/* Challenges, realms, tokens and their cache. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "registry/token.h"

static struct token_challenge parse(const char *value) {
    struct token_challenge challenge = {.scheme = TOKEN_NONE};
    token_challenge_parse(value, &challenge);
    return challenge;
}

static void reads_a_bearer_challenge(void **state) {
    (void)state;
    struct token_challenge c =
        parse("Bearer realm=\"https://auth.docker.io/token\",service=\"registry.docker.io\","
              "scope=\"repository:library/nginx:pull,push\"");
    assert_int_equal(c.scheme, TOKEN_BEARER);
    assert_string_equal(c.realm, "https://auth.docker.io/token");
    assert_string_equal(c.service, "registry.docker.io");
}

static void reads_odd_spellings(void **state) {
    (void)state;
    struct token_challenge c = parse("BEARER  Realm = https://a/t , SERVICE=\"a, \\\"b\\\" c\"");
    assert_int_equal(c.scheme, TOKEN_BEARER);
    assert_string_equal(c.realm, "https://a/t");
    assert_string_equal(c.service, "a, \"b\" c");
    assert_int_equal(parse("basic realm=\"x, Bearer realm=y\"").scheme, TOKEN_BASIC);
    assert_int_equal(parse("Basic").scheme, TOKEN_BASIC);
    assert_int_equal(parse(",, \tBasic realm=x").scheme, TOKEN_BASIC);
}

static void takes_bearer_over_basic_in_any_order(void **state) {
    (void)state;
    static const char *const both[] = {
        "Basic realm=\"r\", Bearer realm=\"https://a/t\",service=\"s\"",
        "Bearer realm=\"https://a/t\",service=\"s\", Basic realm=\"r\"",
        "Negotiate abc/def==, Bearer realm=\"https://a/t\",service=\"s\"",
        "Digest realm=\"d\", nonce=\"n,o\", Bearer realm=\"https://a/t\",service=\"s\", Basic",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(both); i++) {
        struct token_challenge c = parse(both[i]);
        assert_int_equal(c.scheme, TOKEN_BEARER);
        assert_string_equal(c.realm, "https://a/t");
        assert_string_equal(c.service, "s");
    }
    struct token_challenge c = {.scheme = TOKEN_NONE};
    token_challenge_parse("Bearer realm=\"https://first/t\"", &c);
    token_challenge_parse("Bearer realm=\"https://second/t\"", &c);
    token_challenge_parse("Basic realm=\"x\"", &c);
    assert_string_equal(c.realm, "https://first/t");
}

static void skips_what_it_cannot_use(void **state) {
    (void)state;
    char longer[1200] = "Bearer realm=\"https://a/";
    memset(longer + strlen(longer), 'a', sizeof longer - 30);
    longer[sizeof longer - 2] = '"';
    longer[sizeof longer - 1] = '\0';
    static const char *const bad[] = {
        "",
        ",",
        "Digest realm=\"d\"",
        "Bearer",
        "Bearer service=\"s\"",
        "Bearer realm=\"\"",
        "Bearer realm=\"https://a/t",
        "Bearer realm=\"https://a/t\", realm=\"https://b/t\"",
        "realm=\"https://a/t\"",
        "\"Bearer\" realm=\"https://a/t\"",
        "Bearerrealm=\"https://a/t\"",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        if (parse(bad[i]).scheme != TOKEN_NONE) {
            fail_msg("%s", bad[i]);
        }
    }
    assert_int_equal(parse(longer).scheme, TOKEN_NONE);
}

static void credentials_go_to_allowed_realms_only(void **state) {
    (void)state;
    static const char *const listed[] = {"auth.lan", "auth2.lan:8443", "10.0.0.5", NULL};
    static const struct {
        const char *registry;
        bool plain;
        const char *realm;
        const char *refusal; /* NULL: allowed */
    } cases[] = {
        {"docker.io", false, "https://auth.docker.io/token", NULL},
        {"docker.io", false, "https://AUTH.docker.io:443/token?a=b", NULL},
        {"docker.io", false, "https://auth.docker.io:8443/token", "another host"},
        {"docker.io", false, "http://auth.docker.io/token", "not https"},
        {"docker.io", false, "https://auth.docker.io.evil.example/token", "another host"},
        {"docker.io", false, "https://auth.docker.io@evil.example/token", "user name"},
        {"docker.io", false, "https://auth.docker.io:x@evil.example/token", "user name"},
        {"docker.io", false, "https://evil.example\\@auth.docker.io/token", "not a URL"},
        {"docker.io", false, "https://evil.example#@auth.docker.io/token", "not a URL"},
        {"docker.io", false, "https://evil.example/auth.docker.io", "another host"},
        {"docker.io", false, "https://evil.example?@auth.docker.io", "another host"},
        {"docker.io", false, "https://169.254.169.254/latest", "private address"},
        {"docker.io", false, "https://127.0.0.1/token", "private address"},
        {"docker.io", false, "https://[::1]/token", "private address"},
        {"docker.io", false, "https://[fe80::1]/token", "private address"},
        {"docker.io", false, "https://[::ffff:10.0.0.1]/token", "private address"},
        {"docker.io", false, "https://localhost/token", "private address"},
        {"docker.io", false, "https://2130706433/token", "another host"},
        {"docker.io", false, "https:///token", "no valid host"},
        {"docker.io", false, "https://auth.docker.io:/token", "no valid host"},
        {"docker.io", false, "https://auth.docker.io:0/token", "no valid host"},
        {"docker.io", false, "https://auth.docker.io:99999/token", "no valid host"},
        {"docker.io", false, "https://auth%2edocker.io/token", "no valid host"},
        {"docker.io", false, "https://[::1/token", "no valid host"},
        {"docker.io", false, "ftp://auth.docker.io/token", "not an https URL"},
        {"docker.io", false, "//auth.docker.io/token", "not an https URL"},
        {"docker.io", false, "https://auth.docker.io/to ken", "not a URL"},
        {"docker.io", false, "", "not an https URL"},
        {"ghcr.io", false, "https://ghcr.io/token", NULL},
        {"ghcr.io", false, "https://gitlab.com/jwt/auth", "another host"},
        {"quay.io", false, "https://quay.io/v2/auth", NULL},
        {"registry.gitlab.com", false, "https://gitlab.com/jwt/auth", NULL},
        {"registry.lan:5000", false, "https://registry.lan:5001/auth", "another port"},
        {"registry.lan:5000", false, "https://REGISTRY.lan/auth", NULL},
        {"registry.lan:5000", false, "https://registry.lan:5000/auth", NULL},
        {"registry.lan:5000", true, "http://registry.lan:5000/auth", NULL},
        {"registry.lan", true, "http://registry.lan/auth", NULL},
        {"registry.lan:5000", false, "http://registry.lan:5001/auth", "not https"},
        {"registry.lan:5000", true, "http://registry.lan:5001/auth", "another port"},
        {"registry.lan:5000", true, "http://169.254.169.254/auth", "private address"},
        {"127.0.0.1:5000", true, "http://127.0.0.1:5001/auth", "another port"},
        {"127.0.0.1:5000", true, "http://127.0.0.2:5001/auth", "private address"},
        {"[::1]:5000", true, "http://[::1]:5001/auth", "another port"},
        {"other.example", false, "https://auth.lan/token", NULL},
        {"other.example", false, "https://auth.lan:9000/token", NULL},
        {"other.example", false, "https://auth2.lan:8443/token", NULL},
        {"other.example", false, "https://auth2.lan/token", "another host"},
        {"other.example", false, "https://10.0.0.5/token", NULL},
        {"other.example", false, "https://10.0.0.6/token", "private address"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct token_realm_rule rule = {.registry_host = cases[i].registry,
                                        .plain_http = cases[i].plain,
                                        .token_hosts = listed};
        struct err err = ERR_INIT;
        bool allowed = token_realm_allowed(&rule, cases[i].realm, &err);
        if (allowed != !cases[i].refusal ||
            (!allowed && (err.kind != ERR_DENIED || !strstr(err.message, cases[i].refusal)))) {
            fail_msg("%s of %s: %s", cases[i].realm, cases[i].registry, err.message);
        }
    }
}

static int64_t lifetime_of(const char *text) {
    struct token_answer answer = {.token = NULL};
    struct err err = ERR_INIT;
    assert_true(token_answer_parse(text, strlen(text), &answer, &err));
    assert_string_equal(answer.token, "abc");
    token_free(answer.token);
    return answer.lifetime_ms;
}

static void reads_token_answers(void **state) {
    (void)state;
    assert_int_equal(lifetime_of("{\"token\":\"abc\",\"expires_in\":300}"), 300000);
    assert_int_equal(lifetime_of("{\"access_token\":\"abc\"}"), 60000);
    assert_int_equal(lifetime_of("{\"token\":\"\",\"access_token\":\"abc\"}"), 60000);
    assert_int_equal(lifetime_of("{\"token\":\"abc\",\"access_token\":\"x\"}"), 60000);
    assert_int_equal(lifetime_of("{\"token\":\"abc\",\"expires_in\":-5}"), 60000);
    assert_int_equal(lifetime_of("{\"token\":\"abc\",\"expires_in\":\"300\"}"), 60000);
    assert_int_equal(lifetime_of("{\"token\":\"abc\",\"expires_in\":99999999999}"), 86400000);
}

static void refuses_answers_without_a_usable_token(void **state) {
    (void)state;
    static const char *const bad[] = {
        "",
        "<html>",
        "[]",
        "{}",
        "{\"token\":7}",
        "{\"token\":\"\"}",
        "{\"token\":\"a b\"}",
        "{\"token\":\"a\\r\\nX-Evil: 1\"}",
        "{\"token\":\"\xc3\xa4\"}",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        struct token_answer answer = {.token = NULL};
        struct err err = ERR_INIT;
        assert_false(token_answer_parse(bad[i], strlen(bad[i]), &answer, &err));
        assert_int_equal(err.kind, ERR_INVALID);
        assert_null(answer.token);
    }
}

static int64_t now;
static int64_t fake_now(void) {
    return now;
}
static const struct clock_source fake_clock = {.now_ms = fake_now, .boot_ms = fake_now};

static void the_cache_forgets_in_time(void **state) {
    (void)state;
    clock_replace(&fake_clock);
    struct token_cache *cache = token_cache_new();
    assert_non_null(cache);
    assert_null(token_cache_get(cache, "a"));
    token_cache_put(cache, "a", "one", 60000);
    token_cache_put(cache, "b", "two", 60000);
    token_cache_put(cache, "a", "three", 60000);
    CLEANUP(token_release) char *a = token_cache_get(cache, "a");
    CLEANUP(token_release) char *b = token_cache_get(cache, "b");
    assert_string_equal(a, "three");
    assert_string_equal(b, "two");
    token_cache_drop(cache, "b");
    token_cache_drop(cache, "none");
    assert_null(token_cache_get(cache, "b"));
    now += 55000;
    CLEANUP(token_release) char *still = token_cache_get(cache, "a");
    assert_string_equal(still, "three");
    now += 1;
    assert_null(token_cache_get(cache, "a"));
    token_cache_free(cache);
    token_cache_free(NULL);
    clock_replace(NULL);
}

static void the_cache_is_bounded(void **state) {
    (void)state;
    struct token_cache *cache = token_cache_new();
    assert_non_null(cache);
    char key[32];
    for (int i = 0; i < 3000; i++) {
        (void)snprintf(key, sizeof key, "key %d", i);
        token_cache_put(cache, key, key, 60000 + i);
    }
    CLEANUP(token_release) char *newest = token_cache_get(cache, "key 2999");
    assert_string_equal(newest, "key 2999");
    assert_null(token_cache_get(cache, "key 0"));
    token_cache_free(cache);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_bearer_challenge),
        cmocka_unit_test(reads_odd_spellings),
        cmocka_unit_test(takes_bearer_over_basic_in_any_order),
        cmocka_unit_test(skips_what_it_cannot_use),
        cmocka_unit_test(credentials_go_to_allowed_realms_only),
        cmocka_unit_test(reads_token_answers),
        cmocka_unit_test(refuses_answers_without_a_usable_token),
        cmocka_unit_test(the_cache_forgets_in_time),
        cmocka_unit_test(the_cache_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
