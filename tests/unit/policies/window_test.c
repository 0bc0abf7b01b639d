/* Windows: every case of tests/data/windows.json, and the members' texts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/json.h"
#include "policies/schedule.h"
#include "policies/window.h"

#define WINDOWS_MAX 8

static json_t *data;
static struct zone_store zones = ZONE_STORE_INIT(NULL);

static int load_data(void **state) {
    (void)state;
    data = json_load_file(TEST_DATA "/windows.json", 0, NULL);
    return data ? 0 : -1;
}

static int release_data(void **state) {
    (void)state;
    json_decref(data);
    zone_store_release(&zones);
    return 0;
}

/* The data's names of members, and those of the configuration. */
static const char *member_of(const char *key) {
    static const char *const renamed[][2] = {
        {"duration_min", "duration"}, {"from_date", "from"}, {"to_date", "to"}};
    for (size_t i = 0; i < ARRAY_LENGTH(renamed); i++) {
        if (strcmp(renamed[i][0], key) == 0) {
            return renamed[i][1];
        }
    }
    return key;
}

static const char *text_of(const char *key, const json_t *value, char out[32]) {
    if (json_is_string(value)) {
        return json_string_value(value);
    }
    long long number = (long long)json_integer_value(value);
    if (strcmp(key, "duration_min") == 0) {
        (void)snprintf(out, 32, "%lldm", number);
    } else if (number == -1) {
        return "last";
    } else {
        (void)snprintf(out, 32, "%lld", number);
    }
    return out;
}

static bool make(const json_t *from, struct window *out, struct window_fault *fault) {
    struct window_spec spec = {.name = "w"};
    const char *days[7];
    char texts[4][32];
    size_t used = 0;
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)from, key, value) {
        if (strcmp(key, "kind") == 0) {
            spec.freeze = strcmp(json_string_value(value), "deny") == 0;
        } else if (strcmp(key, "days") == 0) {
            spec.days = days;
            assert_true(json_array_size(value) <= 7);
            for (size_t i = 0; i < json_array_size(value); i++) {
                days[spec.day_count++] = json_string_value(json_array_get(value, i));
            }
        } else {
            const char **text = window_spec_text(&spec, member_of(key));
            if (!text) {
                fault->member = "";
                return err_set(&fault->err, ERR_INVALID, "unknown key");
            }
            assert_true(used < ARRAY_LENGTH(texts));
            *text = text_of(key, value, texts[used]);
            used += *text == texts[used];
        }
    }
    return window_make(&spec, &zones, out, fault);
}

static int64_t time_of(const json_t *vector, const char *member) {
    const char *text = json_text(vector, member);
    int64_t ms = 0;
    assert_true(!text || clock_parse(text, &ms));
    return ms;
}

static void check_vector(const json_t *vector) {
    struct window windows[WINDOWS_MAX];
    const struct window *allow[WINDOWS_MAX];
    const struct window *deny[WINDOWS_MAX];
    struct schedule_spec spec = {.windows = allow, .freezes = deny};
    json_t *list = json_array_member(vector, "windows");
    assert_true(json_array_size(list) <= WINDOWS_MAX);
    for (size_t i = 0; i < json_array_size(list); i++) {
        struct window_fault fault;
        if (!make(json_array_get(list, i), &windows[i], &fault)) {
            fail_msg("%s: %s: %s", json_text(vector, "id"), fault.member, fault.err.message);
        }
        if (windows[i].freeze) {
            deny[spec.freeze_count++] = &windows[i];
        } else {
            allow[spec.window_count++] = &windows[i];
        }
    }
    int64_t now = time_of(vector, "instant_utc");
    /* One made long before, and one made now. */
    const int64_t made[] = {INT64_C(946684800000), now};
    for (size_t i = 0; i < ARRAY_LENGTH(made); i++) {
        CLEANUP(schedule_release) struct schedule *schedule = NULL;
        assert_true(schedule_new(&spec, made[i], &schedule, NULL));
        struct schedule_verdict verdict = schedule_decide(schedule, now);
        if (verdict.open != json_bool(vector, "open", false) ||
            verdict.opens_ms != time_of(vector, "next_open_utc") ||
            verdict.closes_ms != time_of(vector, "closes_utc")) {
            char opens[CLOCK_TEXT_SIZE], closes[CLOCK_TEXT_SIZE];
            fail_msg("%s: open %d, opens %s, closes %s: %s", json_text(vector, "id"), verdict.open,
                     clock_format(verdict.opens_ms, opens), clock_format(verdict.closes_ms, closes),
                     verdict.because);
        }
    }
}

static void every_vector_holds(void **state) {
    (void)state;
    json_t *vectors = json_array_member(data, "vectors");
    assert_true(json_array_size(vectors) >= 83);
    for (size_t i = 0; i < json_array_size(vectors); i++) {
        check_vector(json_array_get(vectors, i));
    }
}

static void every_invalid_window_is_refused(void **state) {
    (void)state;
    json_t *invalid = json_array_member(data, "invalid");
    assert_true(json_array_size(invalid) >= 16);
    for (size_t i = 0; i < json_array_size(invalid); i++) {
        json_t *item = json_array_get(invalid, i);
        struct window window;
        struct window_fault fault = {.err = ERR_INIT};
        if (make(json_object_member(item, "window"), &window, &fault)) {
            fail_msg("taken: %s", json_text(item, "why"));
        }
        assert_int_equal(fault.err.kind, ERR_INVALID);
        assert_true(fault.err.message[0] != '\0');
    }
}

struct bad_spec {
    struct window_spec spec;
    const char *member, *advice;
};

#define SPEC(...)                                                                                  \
    { .name = "w", .tz = "UTC", __VA_ARGS__ }

static void a_fault_names_its_member_and_what_to_write(void **state) {
    (void)state;
    static const char *const monday[] = {"Mon"};
    const struct bad_spec bad[] = {
        {SPEC(.start = "2:00", .end = "04:00"), "start", "\"22:30\""},
        {SPEC(.start = "1350", .end = "04:00"), "start", "in quotes"},
        {SPEC(.start = "02:00", .end = "24:01"), "end", "24:00"},
        {SPEC(.start = "02:00", .duration = "3"), "duration", "3h"},
        {SPEC(.start = "02:00", .duration = "90s"), "duration", "whole minutes"},
        {SPEC(.start = "02:00", .duration = "0m"), "duration", "whole minutes"},
        {SPEC(.start = "02:00", .duration = "32d"), "duration", "31d"},
        {SPEC(.start = "02:00", .end = "03:00", .nth = "6"), "nth", "last"},
        {SPEC(.start = "02:00", .end = "03:00", .nth = "1st"), "nth", "last"},
        {SPEC(.start = "02:00", .end = "03:00", .from = "2026-02-29"), "from", "2026-12-20"},
        {SPEC(.start = "02:00", .end = "03:00", .to = "20261220"), "to", "2026-12-20"},
        {SPEC(.start = "02:00", .end = "03:00", .days = monday, .day_count = 1), "days", "mon"},
        {SPEC(.start = "02:00", .end = "03:00", .days = monday, .day_count = 0), "days", "leave"},
        {SPEC(.start = "02:00"), "", "`end` or `duration`"},
        {SPEC(.end = "02:00"), "", "`start`"},
        {SPEC(.from = "2026-12-20"), "", "`start`"},
        {SPEC(.freeze = true), "", "`from` and `to`"},
        {SPEC(.freeze = true, .duration = "3h"), "", "`start`"},
        {{.name = "w", .start = "02:00", .end = "03:00"}, "", "IANA"},
        {{.name = "w", .start = "02:00", .end = "03:00", .tz = "Mars"}, "tz", "IANA"},
        {{.name = "always", .start = "02:00", .end = "03:00", .tz = "UTC"}, "name", "another"},
        {{.name = "a,b", .start = "02:00", .end = "03:00", .tz = "UTC"}, "name", "letters"},
        {{.name = "", .start = "02:00", .end = "03:00", .tz = "UTC"}, "name", "letters"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        struct window window = {.nth = 42};
        struct window_fault fault = {.err = ERR_INIT};
        assert_false(window_make(&bad[i].spec, &zones, &window, &fault));
        assert_string_equal(fault.member, bad[i].member);
        if (!strstr(fault.err.message, bad[i].advice)) {
            fail_msg("%zu: %s", i, fault.err.message);
        }
        assert_int_equal(window.nth, 42); /* untouched */
    }
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

static void a_freeze_with_dates_covers_them_whole(void **state) {
    (void)state;
    struct window freeze = made((struct window_spec){.name = "year-end",
                                                     .freeze = true,
                                                     .from = "2026-12-20",
                                                     .to = "2027-01-06",
                                                     .tz = "Europe/Berlin"});
    assert_false(window_open_at(&freeze, at("2026-12-19T22:59:59.999Z")));
    assert_true(window_open_at(&freeze, at("2026-12-19T23:00:00Z")));
    assert_true(window_open_at(&freeze, at("2027-01-06T22:59:59Z")));
    assert_false(window_open_at(&freeze, at("2027-01-06T23:00:00Z")));
}

static void a_freeze_with_days_alone_covers_them_whole(void **state) {
    (void)state;
    static const char *const weekend[] = {"sat", "sun"};
    struct window freeze = made((struct window_spec){
        .name = "weekend", .freeze = true, .days = weekend, .day_count = 2, .tz = "UTC"});
    assert_true(window_open_at(&freeze, at("2026-11-21T12:00:00Z")));
    assert_false(window_open_at(&freeze, at("2026-11-23T00:00:00Z")));
}

static void a_long_duration_reaches_over_months(void **state) {
    (void)state;
    static const char *const monday[] = {"mon"};
    struct window window = made((struct window_spec){.name = "w",
                                                     .days = monday,
                                                     .day_count = 1,
                                                     .nth = "last",
                                                     .start = "12:00",
                                                     .duration = "20d",
                                                     .tz = "UTC"});
    assert_false(window_open_at(&window, at("2026-11-30T11:59:59Z")));
    assert_true(window_open_at(&window, at("2026-11-30T12:00:00Z")));
    assert_true(window_open_at(&window, at("2026-12-20T11:59:59Z")));
    assert_false(window_open_at(&window, at("2026-12-20T12:00:00Z")));
    assert_true(window_open_at(&window, at("2026-12-28T12:00:00Z")));
}

static void always_is_always(void **state) {
    (void)state;
    struct window window = window_always();
    assert_true(window_open_at(&window, 0));
    assert_true(window_open_at(&window, INT64_MIN));
    assert_true(window_open_at(&window, INT64_MAX));
}

static void spans_agree_with_instants(void **state) {
    (void)state;
    struct window window = made((struct window_spec){
        .name = "w", .start = "01:30", .end = "00:45", .tz = "Australia/Lord_Howe"});
    struct window_span range = {at("2026-03-28T00:00:00Z") / 1000,
                                at("2026-04-11T00:00:00Z") / 1000};
    CLEANUP(window_spans_release) struct window_spans spans = WINDOW_SPANS_INIT;
    assert_true(window_spans_add(&spans, &window, range));
    for (int64_t t = range.from; t < range.until; t += 60) {
        bool inside = false;
        for (size_t i = 0; i < spans.count; i++) {
            inside = inside || (spans.items[i].from <= t && t < spans.items[i].until);
        }
        assert_int_equal(inside, window_open_at(&window, t * 1000));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_vector_holds),
        cmocka_unit_test(every_invalid_window_is_refused),
        cmocka_unit_test(a_fault_names_its_member_and_what_to_write),
        cmocka_unit_test(a_freeze_with_dates_covers_them_whole),
        cmocka_unit_test(a_freeze_with_days_alone_covers_them_whole),
        cmocka_unit_test(a_long_duration_reaches_over_months),
        cmocka_unit_test(always_is_always),
        cmocka_unit_test(spans_agree_with_instants),
    };
    return cmocka_run_group_tests(tests, load_data, release_data);
}
