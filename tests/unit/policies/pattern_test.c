/* Patterns of image names: matches of the two wildcards, refusals, and linear time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policies/pattern.h"

static void matches_within_and_across_segments(void **state) {
    (void)state;
    static const struct {
        const char *pattern, *name;
        bool match;
    } cases[] = {
        {"docker.io/library/nginx", "docker.io/library/nginx", true},
        {"docker.io/library/nginx", "docker.io/library/nginx2", false},
        {"docker.io/library/nginx", "docker.io/library/ngin", false},
        {"docker.io/library/*", "docker.io/library/nginx", true},
        {"docker.io/library/*", "docker.io/library/a/b", false},
        {"docker.io/*", "docker.io/library/nginx", false},
        {"ghcr.io/brian/*", "ghcr.io/brian/site", true},
        {"ghcr.io/brian/*", "ghcr.io/brianna/site", false},
        {"ghcr.io/brian/**", "ghcr.io/brian/a/b/c", true},
        {"ghcr.io/brian/**", "ghcr.io/brian", false},
        {"ghcr.io/**/web", "ghcr.io/a/b/web", true},
        {"ghcr.io/**/web", "ghcr.io/a/b/webs", false},
        {"ghcr.io/*/web", "ghcr.io/a/b/web", false},
        {"registry.lan:5000/home/**", "registry.lan:5000/home/x", true},
        {"registry.lan:5000/home/**", "registry.lan/home/x", false},
        {"**", "docker.io/library/nginx", true},
        {"*", "docker.io/library/nginx", false},
        {"*/*/*", "docker.io/library/nginx", true},
        {"docker.io/library/ng*x", "docker.io/library/nginx", true},
        {"docker.io/library/ng*x", "docker.io/library/ngx", true},
        {"docker.io/library/*a*", "docker.io/library/banana", true},
        {"docker.io/library/*aa*", "docker.io/library/banana", false},
        {"docker.io/**a*", "docker.io/a/b", false},
        {"docker.io/**a**", "docker.io/a/b", true},
        {"docker.io.library/x", "docker.io/library/x", false},
        {"", "", true},
        {"", "a", false},
        {"**", "", true},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        if (pattern_match(cases[i].pattern, cases[i].name) != cases[i].match) {
            fail_msg("%s against %s", cases[i].pattern, cases[i].name);
        }
    }
}

static void a_hostile_pattern_stays_linear(void **state) {
    (void)state;
    char pattern[PATTERN_MAX + 1];
    char name[PATTERN_MAX + 1];
    for (size_t i = 0; i < PATTERN_MAX; i++) {
        pattern[i] = i % 2 ? 'a' : '*';
        name[i] = 'a';
    }
    pattern[PATTERN_MAX - 1] = 'b';
    pattern[PATTERN_MAX] = name[PATTERN_MAX] = '\0';
    /* An exponential matcher would never finish. */
    assert_false(pattern_match(pattern, name));
}

static void a_pattern_over_the_maximum_matches_nothing(void **state) {
    (void)state;
    char pattern[PATTERN_MAX + 2];
    memset(pattern, 'a', sizeof pattern - 1);
    pattern[sizeof pattern - 1] = '\0';
    assert_false(pattern_match(pattern, pattern));
    struct err err = ERR_INIT;
    assert_false(pattern_check(pattern, &err));
    assert_int_equal(err.kind, ERR_INVALID);
}

static void takes_what_names_can_hold(void **state) {
    (void)state;
    static const char *const good[] = {
        "**",           "*",         "docker.io/library/nginx", "ghcr.io/a-b_c.d/*",
        "localhost/**", "a.b:5/c/*", "127.0.0.1:5000/**",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(good); i++) {
        struct err err = ERR_INIT;
        assert_true(pattern_check(good[i], &err));
    }
}

static void refuses_and_says_what_to_write(void **state) {
    (void)state;
    static const struct {
        const char *pattern, *advice;
    } bad[] = {
        {"", "write **"},
        {"ghcr.io/a?", "only wildcards are *"},
        {"ghcr.io/[ab]", "only wildcards are *"},
        {"ghcr.io/{a,b}", "only wildcards are *"},
        {"ghcr.io/a\\*", "only wildcards are *"},
        {"ghcr.io/a ghcr.io/b", "white space"},
        {"ghcr.io/a,ghcr.io/b", "no image name has"},
        {"ghcr.io/\xc3\xa4", "no image name has"},
        {"ghcr.io/a\x01", "no image name has"},
        {"ghcr.io/a:1.2", "without a tag"},
        {"ghcr.io/a@sha256:00", "without a digest"},
        {"ghcr.io/Brian/*", "lower case"},
        {"ghcr.io/***", "write **"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        struct err err = ERR_INIT;
        assert_false(pattern_check(bad[i].pattern, &err));
        assert_int_equal(err.kind, ERR_INVALID);
        if (!strstr(err.message, bad[i].advice)) {
            fail_msg("%s: %s", bad[i].pattern, err.message);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches_within_and_across_segments),
        cmocka_unit_test(a_hostile_pattern_stays_linear),
        cmocka_unit_test(a_pattern_over_the_maximum_matches_nothing),
        cmocka_unit_test(takes_what_names_can_hold),
        cmocka_unit_test(refuses_and_says_what_to_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
