/* POSIX TZ strings: the grammar at its limits, and the changes of single years. */
#include "policies/zone_rule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/date.h"

static struct zone_rule rule_of(const char *text) {
    struct zone_rule rule;
    if (!zone_rule_parse(text, &rule)) {
        fail_msg("%s was refused", text);
    }
    return rule;
}

static int64_t at(int year, int month, int day) {
    return date_days((struct date){year, month, day}) * DATE_DAY_SECONDS;
}

static void reads_offsets(void **state) {
    (void)state;
    assert_int_equal(rule_of("UTC0").standard, 0);
    assert_false(rule_of("UTC0").changes);
    assert_int_equal(rule_of("IST-5:30").standard, 19800);
    assert_int_equal(rule_of("<-03>3").standard, -10800);
    assert_int_equal(rule_of("<+0545>-5:45:30").standard, 20730);
    assert_int_equal(rule_of("AAA+24:59:59").standard, -(24 * 3600 + 59 * 60 + 59));
    struct zone_rule berlin = rule_of("CET-1CEST,M3.5.0,M10.5.0/3");
    assert_int_equal(berlin.standard, 3600);
    assert_int_equal(berlin.summer, 7200);
    assert_int_equal(berlin.to_summer.time, 7200);
    assert_int_equal(berlin.to_standard.time, 10800);
    /* Ireland's summer is its standard time. */
    assert_int_equal(rule_of("IST-1GMT0,M10.5.0,M3.5.0/1").summer, 0);
    assert_int_equal(rule_of("<-02>2<-01>,M3.5.0/-1,M10.5.0/167").to_summer.time, -3600);
}

static void refuses_other_texts(void **state) {
    (void)state;
    static const char *const bad[] = {
        "",
        "UTC",
        "UT0",
        "<UT>0",
        "<UTC0",
        "U1C0",
        "0UTC",
        "UTC25",
        "UTC0:60",
        "UTC0:",
        "UTC0:0:60",
        "UTC0 ",
        "UTC--1",
        "UTC99999999999",
        "CET-1CEST",
        "CET-1CEST,M3.5.0",
        "CET-1CEST,M3.5.0,M10.5.0/3,",
        "CET-1CEST,M3.5.0,M10.5.0x",
        "CET-1CEST,M0.5.0,M10.5.0",
        "CET-1CEST,M13.5.0,M10.5.0",
        "CET-1CEST,M3.0.0,M10.5.0",
        "CET-1CEST,M3.6.0,M10.5.0",
        "CET-1CEST,M3.5.7,M10.5.0",
        "CET-1CEST,M3.5,M10.5.0",
        "CET-1CEST,J0,J365",
        "CET-1CEST,J1,J366",
        "CET-1CEST,0,366",
        "CET-1CEST,M3.5.0/168,M10.5.0",
        "CET-1CEST,M3.5.0/,M10.5.0",
        "CET-1CE,M3.5.0,M10.5.0",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        struct zone_rule rule = {.standard = 77};
        if (zone_rule_parse(bad[i], &rule)) {
            fail_msg("%s was taken", bad[i]);
        }
        assert_int_equal(rule.standard, 77);
    }
}

static void finds_the_days_of_a_year(void **state) {
    (void)state;
    struct zone_step steps[2];
    struct zone_rule berlin = rule_of("CET-1CEST,M3.5.0,M10.5.0/3");
    zone_rule_year(&berlin, 2026, steps);
    assert_int_equal(steps[0].at, at(2026, 3, 29) + 3600);
    assert_int_equal(steps[0].offset, 7200);
    assert_int_equal(steps[1].at, at(2026, 10, 25) + 3600);
    assert_int_equal(steps[1].offset, 3600);
    /* South of the equator the year begins in summer. */
    struct zone_rule sydney = rule_of("AEST-10AEDT,M10.1.0,M4.1.0/3");
    zone_rule_year(&sydney, 2026, steps);
    assert_int_equal(steps[0].at, at(2026, 4, 5) - 8 * 3600);
    assert_int_equal(steps[0].offset, 36000);
    assert_int_equal(steps[1].at, at(2026, 10, 4) - 8 * 3600);
    assert_int_equal(steps[1].offset, 39600);
}

static void counts_days_with_and_without_the_29th_of_february(void **state) {
    (void)state;
    struct zone_step steps[2];
    struct zone_rule julian = rule_of("AAA0BBB,J60/0,J365/0");
    zone_rule_year(&julian, 2028, steps);
    assert_int_equal(steps[0].at, at(2028, 3, 1));
    zone_rule_year(&julian, 2027, steps);
    assert_int_equal(steps[0].at, at(2027, 3, 1));
    struct zone_rule plain = rule_of("AAA0BBB,59/0,300/0");
    zone_rule_year(&plain, 2028, steps);
    assert_int_equal(steps[0].at, at(2028, 2, 29));
    zone_rule_year(&plain, 2027, steps);
    assert_int_equal(steps[0].at, at(2027, 3, 1));
    /* The fourth and the fifth week of a short month. */
    struct zone_rule february = rule_of("AAA0BBB,M2.5.0/0,M2.4.1/0");
    zone_rule_year(&february, 2026, steps);
    assert_int_equal(steps[0].at, at(2026, 2, 22));
    assert_int_equal(steps[1].at, at(2026, 2, 23) - 3600);
}

static void a_period_begins_with_its_change(void **state) {
    (void)state;
    struct zone_rule berlin = rule_of("CET-1CEST,M3.5.0,M10.5.0/3");
    int64_t summer = at(2026, 3, 29) + 3600;
    int64_t winter = at(2026, 10, 25) + 3600;
    struct zone_period before = zone_rule_period(&berlin, summer - 1);
    assert_int_equal(before.offset, 3600);
    assert_int_equal(before.until, summer);
    struct zone_period during = zone_rule_period(&berlin, summer);
    assert_int_equal(during.offset, 7200);
    assert_int_equal(during.from, summer);
    assert_int_equal(during.until, winter);
    /* The winter spans New Year. */
    struct zone_period after = zone_rule_period(&berlin, at(2027, 1, 1));
    assert_int_equal(after.from, winter);
    assert_int_equal(after.offset, 3600);
    assert_int_equal(after.until, at(2027, 3, 28) + 3600);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_offsets),
        cmocka_unit_test(refuses_other_texts),
        cmocka_unit_test(finds_the_days_of_a_year),
        cmocka_unit_test(counts_days_with_and_without_the_29th_of_february),
        cmocka_unit_test(a_period_begins_with_its_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
