/* Ranges: what they refuse and with which words, and the bounds at their edges. */
#include "policies/range.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static bool holds(const char *text, const char *tag, bool prerelease_wanted) {
    struct range range;
    struct version version;
    struct err err = ERR_INIT;
    if (!range_parse(text, &range, &err)) {
        fail_msg("%s: %s", text, err.message);
    }
    if (!version_parse(version_part_of(tag), &version)) {
        fail_msg("%s is not a version", tag);
    }
    return range_holds(&range, &version, prerelease_wanted);
}

static void refuses_with_words(void **state) {
    (void)state;
    static const struct {
        const char *text, *words;
    } rows[] = {
        {"", "empty"},
        {"   ", "empty"},
        {"1.4 ||", "empty"},
        {"|| 1.4", "empty"},
        {"1.4 || || 2", "empty"},
        {"1.4 | 2", "write ||"},
        {",1.4", "not a version or a range"},
        {"1.4,", "not a version or a range"},
        {"1.4,,2", "not a version or a range"},
        {">", "not a version or a range"},
        {"> <2", "not a version or a range"},
        {">>1", "not a version or a range"},
        {"^~1", "not a version or a range"},
        {"latest", "\"latest\" is not a version or a range"},
        {"1.x.2", "not a version or a range"},
        {"x.1", "not a version or a range"},
        {"1.xx", "not a version or a range"},
        {"1.x.", "not a version or a range"},
        {"1.x-", "not a version or a range"},
        {"1.2.3.4.5", "not a version or a range"},
        {"x.x.x.x.x", "not a version or a range"},
        {"1.4 -", "not a version or a range"},
        {"1.4 - ", "not a version or a range"},
        {"1.4 - >2", "not a version or a range"},
        {"1.4-alpine", "leave out \"-alpine\""},
        {">=1.4-alpine <2", "leave out \"-alpine\""},
        {"<*", "no version is below"},
        {">x", "no version is below"},
        {"!=*", "no version is below"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct range range = {.count = 77};
        struct err err = ERR_INIT;
        if (range_parse(rows[i].text, &range, &err)) {
            fail_msg("\"%s\" was taken", rows[i].text);
        }
        assert_int_equal(err.kind, ERR_INVALID);
        if (!strstr(err.message, rows[i].words)) {
            fail_msg("\"%s\": %s", rows[i].text, err.message);
        }
        assert_int_equal(range.count, 77);
    }
}

static void repeats_only_the_beginning_of_a_long_text(void **state) {
    (void)state;
    char text[2048];
    struct range range;
    struct err err = ERR_INIT;
    memset(text, 'q', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_false(range_parse(text, &range, &err));
    assert_non_null(strstr(err.message, "\"qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq\" is not"));
    assert_non_null(strstr(err.message, "write for example"));
}

static void bounds_stand_for_the_numbers_that_they_name(void **state) {
    (void)state;
    static const struct {
        const char *range, *tag;
        bool in;
    } rows[] = {
        {">1.4", "1.4.9", false},
        {">1.4", "1.5.0", true},
        {">1.4.0", "1.4.1", true},
        {">1.4.0", "1.4.0", false},
        {"<=1.4", "1.4.9", true},
        {"<=1.4", "1.5.0", false},
        {"<=1.4.0", "1.4.1", false},
        {"!=1.4", "1.4.9", false},
        {"!=1.4", "1.5.0", true},
        {"!=1.4.2", "1.4.3", true},
        {"=1.4", "1.4.9", true},
        {"=1.4.2", "1.4.2", true},
        {"=1.4.2", "1.4.2.1", false},
        {"1.4.2.x", "1.4.2.7", true},
        {"<2.0.0", "2.0.0-rc.1", false},
        {"<2.0.0", "1.9.9-rc.1", true},
        {"<2.0.0-rc.2", "2.0.0-rc.1", true},
        {"<2.0.0-rc.2", "2.0.0-rc.2", false},
        {"^0", "0.9.9", true},
        {"^0", "1.0.0", false},
        {"^0.0", "0.0.9", true},
        {"^0.0", "0.1.0", false},
        {"^0.0.3", "0.0.4", false},
        {"^00.2.1", "0.2.9", true},
        {"~0", "0.9", true},
        {"~1.4.2", "1.4.1", false},
        {"~1.4.2", "1.5.0", false},
        {"^1.4.2", "1.4.1", false},
        {"1.4 - 1.6", "1.6.9", true},
        {"1.4 - 1.6", "1.7", false},
        {"1.4 - 1.6.0", "1.6.1", false},
        {"1.4 - *", "99", true},
        {"* - 1.6", "0.0.1", true},
        {"* - 1.6", "1.7", false},
        {"V1.4", "1.4.2", true},
        {"x.x.x", "1", true},
        {">=1.4-rc.2", "1.4.0-rc.1", false},
        {"^01.2.3", "1.9", true},
        {"*", "0.0.0", true},
        {">=*", "7", true},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        if (holds(rows[i].range, rows[i].tag, true) != rows[i].in) {
            fail_msg("%s and %s", rows[i].range, rows[i].tag);
        }
    }
}

static void all_parts_of_one_alternative_hold_together(void **state) {
    (void)state;
    assert_true(holds(">=1.2 !=1.4.2 <2", "1.4.3", false));
    assert_false(holds(">=1.2 !=1.4.2 <2", "1.4.2", false));
    /* No alternative borrows a part from its neighbour. */
    assert_false(holds(">=1 <2 || >=3 <4", "2.5", false));
    assert_true(holds(">=3 <2 || 5", "5.1", false));
    assert_false(holds(">=3 <2", "2.5", false));
}

static void prereleases_come_only_if_named(void **state) {
    (void)state;
    assert_false(holds("*", "1.0.0-rc.1", false));
    assert_true(holds("*", "1.0.0-rc.1", true));
    assert_true(holds("1.x-rc", "1.2.0-rc.1", false));
    assert_false(holds("1.x-rc", "2.0.0-rc.1", false));
    /* Wanted pre-releases still have to lie within the bounds. */
    assert_false(holds("^1.2", "2.0.0-rc.1", true));
    assert_true(holds("^1.2", "1.3.0-rc.1", true));
}

static void a_range_without_parts_holds_nothing(void **state) {
    (void)state;
    const struct range none = {.count = 0};
    struct version version;
    assert_true(version_parse(version_part_of("1"), &version));
    assert_false(range_holds(&none, &version, true));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_with_words),
        cmocka_unit_test(repeats_only_the_beginning_of_a_long_text),
        cmocka_unit_test(bounds_stand_for_the_numbers_that_they_name),
        cmocka_unit_test(all_parts_of_one_alternative_hold_together),
        cmocka_unit_test(prereleases_come_only_if_named),
        cmocka_unit_test(a_range_without_parts_holds_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
