/* Dates: day numbers in both directions, weekdays, and parsing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/date.h"

static void known_days(void **state) {
    (void)state;
    static const struct {
        struct date date;
        int64_t days;
        int weekday;
    } cases[] = {
        {{1970, 1, 1}, 0, 4},         {{1969, 12, 31}, -1, 3},   {{2000, 2, 29}, 11016, 2},
        {{2026, 11, 20}, 20777, 5},   {{1900, 3, 1}, -25508, 4}, {{0, 3, 1}, -719468, 3},
        {{9999, 12, 31}, 2932896, 5},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        assert_int_equal(date_days(cases[i].date), cases[i].days);
        assert_int_equal(date_weekday(cases[i].days), cases[i].weekday);
    }
}

static void every_day_follows_its_predecessor(void **state) {
    (void)state;
    struct date day = date_of(date_days((struct date){1599, 12, 31}));
    for (int64_t days = date_days((struct date){1600, 1, 1}); day.year < 2001; days++) {
        struct date next = date_of(days);
        bool last = day.day == date_month_length(day.year, day.month);
        assert_int_equal(next.day, last ? 1 : day.day + 1);
        assert_int_equal(next.month, !last ? day.month : day.month == 12 ? 1 : day.month + 1);
        assert_int_equal(next.year, day.year + (last && day.month == 12 ? 1 : 0));
        assert_int_equal(date_days(next), days);
        day = next;
    }
}

static void leap_years(void **state) {
    (void)state;
    assert_int_equal(date_month_length(1900, 2), 28);
    assert_int_equal(date_month_length(2000, 2), 29);
    assert_int_equal(date_month_length(2023, 2), 28);
    assert_int_equal(date_month_length(2024, 2), 29);
}

static void seconds_round_to_the_past(void **state) {
    (void)state;
    assert_int_equal(date_days_of_seconds(0), 0);
    assert_int_equal(date_days_of_seconds(86399), 0);
    assert_int_equal(date_days_of_seconds(86400), 1);
    assert_int_equal(date_days_of_seconds(-1), -1);
    assert_int_equal(date_days_of_seconds(-86400), -1);
    assert_int_equal(date_days_of_seconds(-86401), -2);
}

static void texts(void **state) {
    (void)state;
    static const char *const bad[] = {"",           "2026-12-2",  "2026-12-200", "2026-00-10",
                                      "2026-13-01", "2026-02-29", "2026-04-31",  "0000-01-01",
                                      "2026/12/20", "2026-12-2x", " 026-12-20",  "+026-12-20"};
    int64_t days = 7;
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        assert_false(date_parse(bad[i], &days));
        assert_int_equal(days, 7);
    }
    assert_true(date_parse("2024-02-29", &days));
    assert_int_equal(days, date_days((struct date){2024, 2, 29}));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_days), cmocka_unit_test(every_day_follows_its_predecessor),
        cmocka_unit_test(leap_years), cmocka_unit_test(seconds_round_to_the_past),
        cmocka_unit_test(texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
