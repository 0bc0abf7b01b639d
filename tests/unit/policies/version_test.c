/* Versions and ranges: parsing, and the total order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policies/range.h"
#include "policies/version.h"

static struct version parsed(const char *text) {
    struct version version;
    if (!version_parse(version_part_of(text), &version)) {
        fail_msg("%s is not a version", text);
    }
    return version;
}

static bool part_is(struct version_part part, const char *text) {
    return part.len == strlen(text) && (part.len == 0 || memcmp(part.at, text, part.len) == 0);
}

static void a_version_falls_into_its_parts(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t numbers;
        const char *prerelease, *variant, *build;
    } cases[] = {
        {"1.4.2", 3, "", "", ""},
        {"v1", 1, "", "", ""},
        {"V1.4", 2, "", "", ""},
        {"1.2.3.4", 4, "", "", ""},
        {"1.4.2-rc.1", 3, "rc.1", "", ""},
        {"1.4.2-alpine", 3, "", "-alpine", ""},
        {"1.4.2-alpine3.20-amd64", 3, "", "-alpine3.20-amd64", ""},
        {"1.4.2-rc1-alpine3.20", 3, "rc1", "-alpine3.20", ""},
        {"1.4.2-rc-2", 3, "rc-2", "", ""},
        {"3.13.0rc1", 3, "rc1", "", ""},
        {"3.13.0b1-slim", 3, "b1", "-slim", ""},
        {"15-beta2-bookworm", 1, "beta2", "-bookworm", ""},
        {"1.4.2-1", 3, "1", "", ""},
        {"2.0.330-63-gc1cfb6864", 3, "63", "-gc1cfb6864", ""},
        {"1.4.2-SNAPSHOT", 3, "SNAPSHOT", "", ""},
        {"1.4.2-0.3.7", 3, "0.3.7", "", ""},
        {"1.4.2-b", 3, "", "-b", ""},
        {"1.4.2_amd64", 3, "", "_amd64", ""},
        {"1.4.2-rc1_amd64", 3, "rc1", "_amd64", ""},
        {"1.4.2+build.5", 3, "", "", "build.5"},
        {"1.4.2-rc.1+build-5", 3, "rc.1", "", "build-5"},
        {"1.0.0-x-y-z.--", 3, "", "-x-y-z.--", ""},
        {"1.0.0--", 3, "", "--", ""},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct version version = parsed(cases[i].text);
        if (version.numbers != cases[i].numbers ||
            !part_is(version.prerelease, cases[i].prerelease) ||
            !part_is(version.variant, cases[i].variant) ||
            !part_is(version.build, cases[i].build)) {
            fail_msg("%s: %zu, \"%.*s\", \"%.*s\"", cases[i].text, version.numbers,
                     (int)version.prerelease.len, version.prerelease.at, (int)version.variant.len,
                     version.variant.at);
        }
    }
}

static void what_is_no_version_is_told_apart(void **state) {
    (void)state;
    static const char *const bad[] = {
        "",         "v",         "vv1",      "latest",    "1.",          ".1",
        "1..2",     "1.2.3.4.5", "1.4.x",    "1.4.2-",    "1.4.2+",      "1.4.2-+b",
        "1.4.2-.a", "1.4.2_",    "1.4.2-a.", "1.4.2w",    "1.4.2rc.",    " 1.4",
        "1.4 ",     "-1.4",      "1,4",      "1.4.2~rc1", "release-1.4", "1.4.RELEASE",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        struct version version;
        if (version_parse(version_part_of(bad[i]), &version)) {
            fail_msg("%s was taken", bad[i]);
        }
    }
}

/* Each line is older than the next; versions of one line are equal. */
static const char *const ladder[][3] = {
    {"0.0.0-alpha", NULL, NULL},
    {"0", "0.0.0", "v0.0"},
    {"0.9", NULL, NULL},
    {"1.0.0-1", NULL, NULL},
    {"1.0.0-2", NULL, NULL},
    {"1.0.0-10", NULL, NULL},
    {"1.0.0-alpha", NULL, NULL},
    {"1.0.0-alpha.1", NULL, NULL},
    {"1.0.0-alpha.beta", NULL, NULL},
    {"1.0.0-beta", NULL, NULL},
    {"1.0.0-beta.2", "1.0.0-beta.02", NULL},
    {"1.0.0-beta.11", NULL, NULL},
    {"1.0.0-rc.1", NULL, NULL},
    {"1.0.0-rc9", "1-rc9", "1.0.0rc9"},
    {"1.0.0-rc10", "1.0.0-rc010", NULL},
    {"1.0.0", "1", "01.00+build"},
    {"1.0.0.1", NULL, NULL},
    {"1.0.1", "v1.0.1-alpine", NULL},
    {"1.2", NULL, NULL},
    {"1.10", NULL, NULL},
    {"2", NULL, NULL},
    {"18446744073709551615", NULL, NULL},
    {"18446744073709551616", "018446744073709551616.0", NULL},
    {"340282366920938463463374607431768211456", NULL, NULL},
};

static void the_ladder_goes_up(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(ladder); i++) {
        for (size_t k = 0; k < ARRAY_LENGTH(ladder); k++) {
            for (size_t a = 0; a < 3 && ladder[i][a]; a++) {
                for (size_t b = 0; b < 3 && ladder[k][b]; b++) {
                    struct version left = parsed(ladder[i][a]);
                    struct version right = parsed(ladder[k][b]);
                    int order = (i > k) - (i < k);
                    if (version_compare(&left, &right) != order) {
                        fail_msg("%s and %s", ladder[i][a], ladder[k][b]);
                    }
                }
            }
        }
    }
}

static void ranges_hold_what_their_users_expect(void **state) {
    (void)state;
    static const struct {
        const char *range, *in, *out; /* separated by spaces */
    } cases[] = {
        {"*", "0 1.2.3 99", ""},
        {"1.2.x", "1.2.0 1.2.9 1.2.9.1", "1.3 1.1.9"},
        {"1.X", "1.0 1.9.9", "2.0.0 0.9"},
        {"1.2", "1.2 1.2.9", "1.3.0"},
        {"v1.2.3", "1.2.3", "1.2.4"},
        {"1.2.3.x", "1.2.3.4 1.2.3", "1.2.4"},
        {"~1.2.3", "1.2.3 1.2.99", "1.2.2 1.3.0"},
        {"~1", "1.0 1.9", "2.0"},
        {"^1.2", "1.2.0 1.9", "1.1 2.0"},
        {"^0.0", "0.0.9", "0.1.0"},
        {"^0.0.0", "0.0.0", "0.0.1"},
        {"^0.x", "0.9", "1.0"},
        {">1.2", "1.3.0", "1.2.9 1.2"},
        {">1.2.3", "1.2.4 1.2.3.1", "1.2.3"},
        {">=1.2.x", "1.2.0 7", "1.1.9"},
        {"<1.2", "1.1.9", "1.2.0 1.2.0-rc.1"},
        {"<1.2.0-rc.2", "1.2.0-rc.1 1.1", "1.2.0-rc.2 1.2.0"},
        {"<=1.2.x", "1.2.9", "1.3"},
        {"=<1.2", "1.2.9", "1.3"},
        {"!=1.2.3", "1.2.4 1.2.3-rc.1", "1.2.3"},
        {"1.2 - 2", "1.2.0 2.9.9", "1.1 3.0"},
        {"1.2.3 - 2.3.4", "1.2.3 2.3.4", "1.2.2 2.3.5"},
        {"1.2 - 1.4 || 2 - 3", "1.4.9 2.0 3.9", "1.5 4.0"},
        {"<1.0||>=2.3.1 <2.4.5||>=2.5.2 <3.0.0", "0.9 2.3.2 2.5.2", "1.0 2.4.5 3.0.0"},
        {" >=1.2 ,  < 2 ", "1.2 1.9", "2.0"},
        {"~>1.2.3", "1.2.4", "1.3"},
        {">=99999999999999999999999", "100000000000000000000000", "99999999999999999999998"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct range range;
        struct err err = ERR_INIT;
        if (!range_parse(cases[i].range, &range, &err)) {
            fail_msg("%s: %s", cases[i].range, err.message);
        }
        const char *const lists[] = {cases[i].out, cases[i].in};
        for (size_t in = 0; in < 2; in++) {
            char list[128];
            (void)snprintf(list, sizeof list, "%s", lists[in]);
            char *rest = list;
            for (char *word; (word = strsep(&rest, " ")) && *word;) {
                struct version version = parsed(word);
                if (range_holds(&range, &version, true) != (in == 1)) {
                    fail_msg("%s and %s", cases[i].range, word);
                }
            }
        }
    }
}

static void a_prerelease_needs_a_range_that_names_one(void **state) {
    (void)state;
    static const struct {
        const char *range, *version;
        bool holds;
    } cases[] = {
        {"*", "1.2.3-rc.1", false},
        {"*-0", "1.2.3-rc.1", true},
        {">=1.2", "1.3.0-rc.1", false},
        {">=1.2.0-0 <2", "1.3.0-rc.1", true},
        {">=1.2.0-0 <2", "2.0.0-rc.1", false},
        {"^1.2.3-rc.1", "1.3.0-rc.1", true},
        {"^1.2.3-rc.1", "2.0.0-rc.1", false},
        {"1.2.x-0", "1.2.5-rc.1", true},
        {"^1 || >=3.0.0-0", "1.2.5-rc.1", false}, /* its alternative names no pre-release */
        {"^1 || >=3.0.0-0", "3.0.0-rc.1", true},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct range range;
        assert_true(range_parse(cases[i].range, &range, NULL));
        struct version version = parsed(cases[i].version);
        if (range_holds(&range, &version, false) != cases[i].holds) {
            fail_msg("%s and %s", cases[i].range, cases[i].version);
        }
    }
}

static void a_range_has_a_bounded_number_of_parts(void **state) {
    (void)state;
    char text[4 * RANGE_TERMS_MAX + 8] = "";
    size_t len = 0;
    for (int i = 0; i < RANGE_TERMS_MAX; i++) {
        len += (size_t)snprintf(text + len, sizeof text - len, ">0 ");
    }
    struct range range;
    struct err err = ERR_INIT;
    assert_true(range_parse(text, &range, &err));
    (void)snprintf(text + len, sizeof text - len, ">0");
    assert_false(range_parse(text, &range, &err));
    assert_int_equal(err.kind, ERR_INVALID);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_version_falls_into_its_parts),
        cmocka_unit_test(what_is_no_version_is_told_apart),
        cmocka_unit_test(the_ladder_goes_up),
        cmocka_unit_test(ranges_hold_what_their_users_expect),
        cmocka_unit_test(a_prerelease_needs_a_range_that_names_one),
        cmocka_unit_test(a_range_has_a_bounded_number_of_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
