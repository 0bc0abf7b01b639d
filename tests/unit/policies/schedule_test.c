/* Several windows together: merging, min_remaining, the sentences, and answers far from the
 * schedule's creation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "policies/schedule.h"

static struct zone_store zones = ZONE_STORE_INIT(NULL);

static int release_zones(void **state) {
    (void)state;
    zone_store_release(&zones);
    return 0;
}

static struct window made(struct window_spec spec) {
    struct window window;
    struct window_fault fault = {.err = ERR_INIT};
    if (!window_make(&spec, &zones, &window, &fault)) {
        fail_msg("%s: %s", fault.member, fault.err.message);
    }
    return window;
}

static int64_t at(const char *text) {
    int64_t ms = 0;
    assert_true(clock_parse(text, &ms));
    return ms;
}

static struct window night(void) {
    return made((struct window_spec){
        .name = "night", .start = "02:00", .end = "05:00", .tz = "Europe/Berlin"});
}

static struct window noon(void) {
    return made((struct window_spec){
        .name = "noon", .start = "12:00", .duration = "30m", .tz = "Europe/Berlin"});
}

static struct window morning(void) {
    return made((struct window_spec){.name = "morning",
                                     .freeze = true,
                                     .start = "04:30",
                                     .end = "07:30",
                                     .tz = "Europe/Berlin"});
}

struct asked {
    struct window windows[2], freezes[2];
    size_t window_count, freeze_count;
    const char *min_remaining, *now;
};

static struct schedule_verdict decide(const struct asked *asked) {
    const struct window *windows[] = {&asked->windows[0], &asked->windows[1]};
    const struct window *freezes[] = {&asked->freezes[0], &asked->freezes[1]};
    struct schedule_spec spec = {.windows = windows,
                                 .window_count = asked->window_count,
                                 .freezes = freezes,
                                 .freeze_count = asked->freeze_count};
    if (asked->min_remaining) {
        assert_true(clock_duration_parse(asked->min_remaining, &spec.min_remaining_ms));
    }
    CLEANUP(schedule_release) struct schedule *schedule = NULL;
    assert_true(schedule_new(&spec, at(asked->now), &schedule, NULL));
    return schedule_decide(schedule, at(asked->now));
}

static void the_reason_is_a_sentence(void **state) {
    (void)state;
    const struct {
        struct asked asked;
        const char *because;
    } cases[] = {
        {{.now = "2026-11-21T12:00:00Z"}, "no window limits it, with no end within 800 days"},
        {{.windows = {night()}, .window_count = 1, .now = "2026-11-21T12:00:00Z"},
         "window night is closed; window night opens on Sun 2026-11-22 02:00 (Europe/Berlin)"},
        {{.windows = {night()}, .window_count = 1, .now = "2026-11-21T02:00:00Z"},
         "window night is open until Sat 2026-11-21 05:00 (Europe/Berlin)"},
        {{.windows = {night(), noon()}, .window_count = 2, .now = "2026-11-21T10:00:00Z"},
         "none of the 2 windows is open; window noon opens on Sat 2026-11-21 12:00 "
         "(Europe/Berlin)"},
        {{.windows = {night()},
          .window_count = 1,
          .freezes = {morning()},
          .freeze_count = 1,
          .now = "2026-11-21T02:00:00Z"},
         "window night is open until freeze morning begins on Sat 2026-11-21 04:30 "
         "(Europe/Berlin)"},
        {{.windows = {night()},
          .window_count = 1,
          .freezes = {morning()},
          .freeze_count = 1,
          .now = "2026-11-21T04:00:00Z"},
         "freeze morning is in force; window night opens on Sun 2026-11-22 02:00 "
         "(Europe/Berlin)"},
        {{.freezes = {morning()}, .freeze_count = 1, .now = "2026-11-21T04:00:00Z"},
         "freeze morning is in force; it opens on Sat 2026-11-21 07:30 (Europe/Berlin)"},
        {{.freezes = {morning()}, .freeze_count = 1, .now = "2026-11-21T12:00:00Z"},
         "no window limits it until freeze morning begins on Sun 2026-11-22 04:30 "
         "(Europe/Berlin)"},
        {{.windows = {window_always()}, .window_count = 1, .now = "2026-11-21T12:00:00Z"},
         "window always is open, with no end within 800 days"},
        {{.windows = {night()},
          .window_count = 1,
          .freezes = {made((struct window_spec){
              .name = "for-good", .freeze = true, .from = "2026-01-01", .tz = "Europe/Berlin"})},
          .freeze_count = 1,
          .now = "2026-11-21T12:00:00Z"},
         "freeze for-good is in force, and nothing opens within 800 days"},
        {{.windows = {night()},
          .window_count = 1,
          .min_remaining = "5m",
          .now = "2026-11-21T03:57:00Z"},
         "only 3 min are left and `min_remaining` is 5 min; window night opens on Sun 2026-11-22 "
         "02:00 (Europe/Berlin)"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct schedule_verdict verdict = decide(&cases[i].asked);
        assert_string_equal(verdict.because, cases[i].because);
    }
}

static void enough_of_the_window_must_be_left(void **state) {
    (void)state;
    struct asked asked = {.windows = {night()},
                          .window_count = 1,
                          .min_remaining = "5m",
                          .now = "2026-11-21T03:55:00Z"};
    struct schedule_verdict verdict = decide(&asked);
    assert_true(verdict.open && verdict.may_start);
    assert_true(verdict.starts_ms == at(asked.now));
    asked.now = "2026-11-21T03:55:00.001Z";
    verdict = decide(&asked);
    assert_true(verdict.open);
    assert_false(verdict.may_start);
    assert_true(verdict.starts_ms == at("2026-11-22T01:00:00Z"));
    assert_true(verdict.closes_ms == at("2026-11-21T04:00:00Z"));
}

static void windows_that_are_too_short_are_passed_over(void **state) {
    (void)state;
    struct asked asked = {.windows = {night(), noon()},
                          .window_count = 2,
                          .min_remaining = "1h",
                          .now = "2026-11-21T10:00:00Z"};
    struct schedule_verdict verdict = decide(&asked);
    assert_true(verdict.opens_ms == at("2026-11-21T11:00:00Z"));
    assert_true(verdict.starts_ms == at("2026-11-22T01:00:00Z"));
    asked.min_remaining = "5h"; /* night has four hours when the clock goes back */
    verdict = decide(&asked);
    assert_true(verdict.opens_ms == at("2026-11-21T11:00:00Z"));
    assert_true(verdict.starts_ms == 0);
    asked.now = "2026-11-21T11:00:00Z"; /* open, but never long enough */
    verdict = decide(&asked);
    assert_true(verdict.open);
    assert_false(verdict.may_start);
    assert_true(verdict.starts_ms == 0);
}

static void an_open_end_is_enough_for_any_update(void **state) {
    (void)state;
    struct schedule_verdict verdict =
        decide(&(struct asked){.min_remaining = "365d", .now = "2026-11-21T12:00:00Z"});
    assert_true(verdict.open && verdict.may_start);
    assert_true(verdict.closes_ms == 0 && verdict.opens_ms == 0);
}

static void a_clock_far_away_gets_the_same_answers(void **state) {
    (void)state;
    struct window windows[] = {night(), morning()};
    const struct window *allow[] = {&windows[0]};
    const struct window *deny[] = {&windows[1]};
    struct schedule_spec spec = {
        .windows = allow, .window_count = 1, .freezes = deny, .freeze_count = 1};
    CLEANUP(schedule_release) struct schedule *old = NULL;
    assert_true(schedule_new(&spec, at("2026-01-01T00:00:00Z"), &old, NULL));
    static const char *const times[] = {
        "1970-01-01T02:30:00Z", "1999-12-31T23:59:59Z", "2025-12-30T23:59:59Z",
        "2025-12-31T00:00:00Z", "2026-03-29T01:00:00Z", "2026-04-10T23:59:59Z",
        "2026-04-11T00:00:00Z", "2026-04-12T00:00:00Z", "2044-10-30T00:30:00Z",
        "8999-12-31T01:30:00Z", "9999-12-31T23:59:59Z",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(times); i++) {
        CLEANUP(schedule_release) struct schedule *fresh = NULL;
        assert_true(schedule_new(&spec, at(times[i]), &fresh, NULL));
        struct schedule_verdict a = schedule_decide(old, at(times[i]));
        struct schedule_verdict b = schedule_decide(fresh, at(times[i]));
        assert_int_equal(a.open, b.open);
        assert_true(a.opens_ms == b.opens_ms && a.closes_ms == b.closes_ms);
        assert_string_equal(a.because, b.because);
        assert_true(a.opens_ms > at(times[i]));
    }
    (void)schedule_decide(old, INT64_MIN);
    (void)schedule_decide(old, INT64_MAX);
}

static void the_horizon_is_800_days(void **state) {
    (void)state;
    /* Opens on 2027-01-01 only. */
    struct asked asked = {.windows = {made((struct window_spec){.name = "once",
                                                                .start = "00:00",
                                                                .end = "01:00",
                                                                .from = "2027-01-01",
                                                                .to = "2027-01-01",
                                                                .tz = "UTC"})},
                          .window_count = 1,
                          .now = "2024-10-23T00:00:00Z"};
    assert_true(decide(&asked).opens_ms == at("2027-01-01T00:00:00Z"));
    asked.now = "2024-10-22T23:59:59.999Z";
    assert_true(decide(&asked).opens_ms == 0);
    asked.now = "2027-01-01T00:00:00Z";
    assert_true(decide(&asked).opens_ms == 0);
}

static void too_many_windows_are_refused(void **state) {
    (void)state;
    struct window window = night();
    static const struct window *many[SCHEDULE_WINDOWS_MAX + 1];
    for (size_t i = 0; i < ARRAY_LENGTH(many); i++) {
        many[i] = &window;
    }
    struct schedule_spec spec = {.windows = many, .window_count = ARRAY_LENGTH(many)};
    struct schedule *schedule = NULL;
    struct err err = ERR_INIT;
    assert_false(schedule_new(&spec, 0, &schedule, &err));
    assert_int_equal(err.kind, ERR_INVALID);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_reason_is_a_sentence),
        cmocka_unit_test(enough_of_the_window_must_be_left),
        cmocka_unit_test(windows_that_are_too_short_are_passed_over),
        cmocka_unit_test(an_open_end_is_enough_for_any_update),
        cmocka_unit_test(a_clock_far_away_gets_the_same_answers),
        cmocka_unit_test(the_horizon_is_800_days),
        cmocka_unit_test(too_many_windows_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, release_zones);
}
