/* Clocks: replacement; RFC 3339 and durations in both directions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"

static void real_clocks_go_forward(void **state) {
    (void)state;
    assert_true(clock_now_ms() > INT64_C(1700000000000));
    int64_t before = clock_boot_ms();
    assert_true(before > 0);
    assert_true(clock_boot_ms() >= before);
}

static int64_t fake_now(void) {
    return 42;
}

static int64_t fake_boot(void) {
    return 7;
}

static void clocks_can_be_replaced(void **state) {
    (void)state;
    static const struct clock_source fake = {.now_ms = fake_now, .boot_ms = fake_boot};
    clock_replace(&fake);
    int64_t now = clock_now_ms(), boot = clock_boot_ms();
    clock_replace(NULL);
    assert_int_equal(now, 42);
    assert_int_equal(boot, 7);
    assert_true(clock_now_ms() != 42);
}

static const struct {
    int64_t ms;
    const char *text;
} times[] = {
    {0, "1970-01-01T00:00:00.000Z"},
    {-1, "1969-12-31T23:59:59.999Z"},
    {INT64_C(-2208988800000), "1900-01-01T00:00:00.000Z"},
    {INT64_C(2147483648000), "2038-01-19T03:14:08.000Z"},
    {INT64_C(2208988800000), "2040-01-01T00:00:00.000Z"},
    {INT64_C(951782400000), "2000-02-29T00:00:00.000Z"},
    {INT64_C(1795176000123), "2026-11-20T12:00:00.123Z"},
    {INT64_C(4107542399999), "2100-02-28T23:59:59.999Z"},
    {INT64_C(4107542400000), "2100-03-01T00:00:00.000Z"},
    {INT64_C(-62135596800000), "0001-01-01T00:00:00.000Z"},
    {INT64_C(253402300799999), "9999-12-31T23:59:59.999Z"},
};

static void times_go_both_ways(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(times); i++) {
        char text[CLOCK_TEXT_SIZE];
        assert_string_equal(clock_format(times[i].ms, text), times[i].text);
        int64_t ms = 1;
        assert_true(clock_parse(times[i].text, &ms));
        assert_int_equal(ms, times[i].ms);
    }
}

static void every_day_of_800_years_goes_both_ways(void **state) {
    (void)state;
    for (int64_t day = -146097; day <= 146097; day++) {
        char text[CLOCK_TEXT_SIZE];
        int64_t ms = 0;
        assert_true(clock_parse(clock_format(day * 86400000, text), &ms));
        assert_int_equal(ms, day * 86400000);
    }
}

static void any_time_has_a_text(void **state) {
    (void)state;
    char text[CLOCK_TEXT_SIZE];
    assert_string_equal(clock_format(INT64_MAX, text), "292278994-08-17T07:12:55.807Z");
    assert_string_equal(clock_format(INT64_MIN, text), "-292275055-05-16T16:47:04.192Z");
}

static void any_time_fits_a_timespec(void **state) {
    (void)state;
    /* The second column: with a 32-bit time_t. */
    static const struct {
        int64_t ms, seconds, narrow;
        long ns;
    } rows[] = {
        {0, 0, 0, 0},
        {1, 0, 0, 1000000},
        {-1, -1, -1, 999000000},
        {INT64_C(2147483647999), INT32_MAX, INT32_MAX, 999000000},
        {INT64_C(2208988800000), INT64_C(2208988800), INT32_MAX, 0}, /* 2040 */
        {INT64_C(-2208988800000), INT64_C(-2208988800), INT32_MIN, 0},
        {INT64_MAX, INT64_MAX / 1000, INT32_MAX, 807000000},
        {INT64_MIN + 1000, INT64_MIN / 1000, INT32_MIN, 192000000},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct timespec at = clock_timespec(rows[i].ms);
        if (sizeof at.tv_sec == 8 || rows[i].narrow == rows[i].seconds) {
            assert_int_equal(at.tv_sec, rows[i].seconds);
            assert_int_equal(at.tv_nsec, rows[i].ns);
            assert_int_equal(clock_of_timespec(&at), rows[i].ms);
        } else {
            assert_int_equal(at.tv_sec, rows[i].narrow);
        }
    }
}

static void dates_of_http_are_read(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } rows[] = {
        {"Sun, 06 Nov 1994 08:49:37 GMT", INT64_C(784111777000)},
        {"Mon, 01 Jan 1900 00:00:00 GMT", INT64_C(-2208988800000)},
        {"Tue, 19 Jan 2038 03:14:08 GMT", INT64_C(2147483648000)},
        {"Sun, 01 Jan 2040 00:00:00 GMT", INT64_C(2208988800000)},
        {"Thu, 31 Dec 2099 23:59:60 GMT", INT64_C(4102444800000)},
        {"Sunday, 06-Nov-94 08:49:37 GMT", -1},
        {"Sun Nov  6 08:49:37 1994", -1},
        {"Sun, 06 Nov 1994 08:49:37 GMT ", -1},
        {"Sun, 06 Nov 1994 08:49:37", -1},
        {"", -1},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        int64_t ms = -1;
        assert_int_equal(clock_http_parse(rows[i].text, &ms), rows[i].ms != -1);
        assert_int_equal(ms, rows[i].ms);
    }
}

static void offsets_and_fractions_are_read(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } cases[] = {
        {"1970-01-01T01:00:00+01:00", 0},
        {"1969-12-31T18:30:00-05:30", 0},
        {"1970-01-01t00:00:00z", 0},
        {"1970-01-01T00:00:00.5Z", 500},
        {"1970-01-01T00:00:00.05Z", 50},
        {"1970-01-01T00:00:00.123456789Z", 123},
        {"1970-01-01T00:00:00.999999999999999999999999999999Z", 999},
        {"1970-01-01T00:00:60Z", 60000},
        {"0001-01-01T00:00:00Z", INT64_C(-62135596800000)},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        int64_t ms = -9;
        assert_true(clock_parse(cases[i].text, &ms));
        assert_int_equal(ms, cases[i].ms);
    }
}

static void what_is_no_time_is_refused(void **state) {
    (void)state;
    static const char *const cases[] = {"",
                                        "2026",
                                        "2026-11-20",
                                        "2026-11-20T12:00:00",
                                        "2026-11-20 12:00:00Z",
                                        "2026-11-20T12:00Z",
                                        "2026-11-20T12:00:00.Z",
                                        "2026-11-20T12:00:00Z ",
                                        " 2026-11-20T12:00:00Z",
                                        "2026-13-20T12:00:00Z",
                                        "2026-00-20T12:00:00Z",
                                        "2026-11-31T12:00:00Z",
                                        "2026-11-00T12:00:00Z",
                                        "2026-02-29T12:00:00Z",
                                        "2100-02-29T12:00:00Z",
                                        "2026-11-20T24:00:00Z",
                                        "2026-11-20T12:60:00Z",
                                        "2026-11-20T12:00:61Z",
                                        "2026-11-20T12:00:00+24:00",
                                        "2026-11-20T12:00:00+0100",
                                        "2026-11-20T12:00:00+01",
                                        "-026-11-20T12:00:00Z",
                                        "+2026-11-20T12:00:00Z",
                                        "2026-1-20T12:00:00Z"};
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        int64_t ms = 77;
        assert_false(clock_parse(cases[i], &ms));
        assert_int_equal(ms, 77);
    }
}

static void durations_are_read(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } cases[] = {{"0s", 0},
                 {"500ms", 500},
                 {"90s", 90000},
                 {"15m", 900000},
                 {"3h", 10800000},
                 {"2d", 172800000},
                 {"0000000000000000000000001d", 86400000},
                 {"36525d", INT64_C(3155760000000)}};
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        int64_t ms = -9;
        assert_true(clock_duration_parse(cases[i].text, &ms));
        assert_int_equal(ms, cases[i].ms);
    }
}

static void what_is_no_duration_is_refused(void **state) {
    (void)state;
    static const char *const cases[] = {"",
                                        "s",
                                        "5",
                                        "-5s",
                                        "+5s",
                                        "5 s",
                                        " 5s",
                                        "5s ",
                                        "1h30m",
                                        "1.5h",
                                        "5S",
                                        "5w",
                                        "36526d",
                                        "876601h",
                                        "99999999999999999999999999s",
                                        "5mss",
                                        "3155760000001ms"};
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        int64_t ms = 77;
        assert_false(clock_duration_parse(cases[i], &ms));
        assert_int_equal(ms, 77);
    }
}

static void durations_have_a_text(void **state) {
    (void)state;
    static const struct {
        int64_t ms;
        const char *text;
    } cases[] = {{0, "0 s"},
                 {99, "0 s"},
                 {100, "0.1 s"},
                 {4100, "4.1 s"},
                 {4000, "4 s"},
                 {59999, "59.9 s"},
                 {60000, "1 min"},
                 {90000, "1 min 30 s"},
                 {120000, "2 min"},
                 {11100000, "3 h 5 min"},
                 {11159000, "3 h 5 min"},
                 {10800000, "3 h"},
                 {86400000, "1 day"},
                 {172800000, "2 days"},
                 {183600000, "2 days 3 h"},
                 {-4100, "-4.1 s"},
                 {INT64_MAX, "106751991167 days 7 h"},
                 {INT64_MIN, "-106751991167 days 7 h"}};
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        char text[CLOCK_TEXT_SIZE];
        assert_string_equal(clock_duration_text(cases[i].ms, text), cases[i].text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(real_clocks_go_forward),
        cmocka_unit_test(clocks_can_be_replaced),
        cmocka_unit_test(times_go_both_ways),
        cmocka_unit_test(every_day_of_800_years_goes_both_ways),
        cmocka_unit_test(any_time_has_a_text),
        cmocka_unit_test(any_time_fits_a_timespec),
        cmocka_unit_test(dates_of_http_are_read),
        cmocka_unit_test(offsets_and_fractions_are_read),
        cmocka_unit_test(what_is_no_time_is_refused),
        cmocka_unit_test(durations_are_read),
        cmocka_unit_test(what_is_no_duration_is_refused),
        cmocka_unit_test(durations_have_a_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
