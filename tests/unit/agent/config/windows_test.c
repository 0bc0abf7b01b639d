/* Windows and freezes: their faults at the member's place, and the verdict of names. */
#include "tests/unit/agent/config/parsed.h"

#define NIGHT "  night: {start: \"02:00\", end: \"05:00\", tz: UTC}\n"

static void faults_stand_at_their_member(void **state) {
    (void)state;
    static const struct {
        const char *text, *words;
    } rows[] = {
        {"windows:\n  night: {start: 22:30, end: \"05:00\", tz: UTC}\n",
         "7:18: `start`: 22:30 without quotes is a number in YAML 1.1: quote it, \"22:30\""},
        {"windows:\n  night: {start: \"25:00\", end: \"05:00\", tz: UTC}\n", "7:18: "},
        {"windows:\n  night: {start: \"02:00\", end: \"05:00\", tz: Nowhere}\n", "7:45: "},
        {"windows:\n  always: {start: \"02:00\", end: \"05:00\", tz: UTC}\n", "7:3: "},
        {"windows:\n  a b: {start: \"02:00\", end: \"05:00\", tz: UTC}\n", "7:3: "},
        {"windows:\n  night: {start: \"02:00\", end: \"05:00\", tz: UTC, days: mon}\n",
         "`days` has the wrong type"},
        {"windows:\n  night: {start: \"02:00\", end: \"05:00\", tz: UTC, days: [[mon]]}\n",
         "`days` has the wrong type"},
        {"windows:\n  night: {start: \"02:00\", end: \"05:00\", tz: UTC, days: [noday]}\n",
         "noday"},
        {"windows: [night]\n", "must be a map of at most 256 windows"},
        {"freezes: {a: b}\n", "must be a list of at most 256 freezes"},
        {"freezes:\n  - {name: x, from: \"2027-01-06\", to: \"2026-12-20\", tz: UTC}\n", "7:"},
        {"zoneinfo: usr/share/zoneinfo\n", "the path is not absolute"},
        {"zoneinfo: /dev/null\n", "/dev/null is not a directory"},
        {"zoneinfo: /nowhere\n", "`zoneinfo`"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        parsed_refused(rows[i].text, rows[i].words);
    }
}

static void their_number_is_bounded(void **state) {
    (void)state;
    static const char window[] = "  w#: {start: \"02:00\", end: \"05:00\", tz: UTC}\n";
    static const char freeze[] =
        "  - {name: f#, from: \"2026-12-20\", to: \"2027-01-06\", tz: UTC}\n";
    config_drop(parsed(parsed_many("windows:\n", window, 256), NULL));
    parsed_refused(parsed_many("windows:\n", window, 257), "at most 256 windows");
    parsed_refused(parsed_many("freezes:\n", freeze, 257), "at most 256 freezes");
}

static void names_are_unique_among_windows_and_freezes(void **state) {
    (void)state;
#define FREEZE(name) "  - {name: " name ", from: \"2026-12-20\", to: \"2027-01-06\", tz: UTC}\n"
    parsed_refused("freezes:\n" FREEZE("x") FREEZE("y") FREEZE("x"),
                   "9:12: two freezes are named `x`");
    parsed_refused("windows:\n" NIGHT "freezes:\n" FREEZE("night"),
                   "a window is named `night` too");
}

static struct settings_names names_of(const char *first, const char *second) {
    struct settings_names names = {.count = second ? 2 : first ? 1 : 0};
    (void)snprintf(names.items[0], sizeof names.items[0], "%s", first ? first : "");
    (void)snprintf(names.items[1], sizeof names.items[1], "%s", second ? second : "");
    return names;
}

static void unknown_names_are_told_with_the_known(void **state) {
    (void)state;
    CLEANUP(config_release) struct config *config = parsed("windows:\n" NIGHT, NULL);
    struct settings_names good = names_of("night", "always");
    struct settings_names bad = names_of("night", "elsewhen");
    struct err err = ERR_INIT;
    assert_true(config_windows_known(config, &good, &err));
    assert_false(config_windows_known(config, &bad, &err));
    assert_int_equal(err.kind, ERR_INVALID);
    assert_string_equal(err.message, "there is no window \"elsewhen\"; known are: night, always");
    assert_null(config_window(config, "always"));
    assert_non_null(config_window(config, "night"));
}

#define NOON INT64_C(1795176000000) /* 2026-11-20T12:00:00Z */

static void the_verdict_follows_the_names(void **state) {
    (void)state;
    CLEANUP(config_release) struct config *config = parsed("windows:\n" NIGHT, NULL);
    const struct {
        const char *first, *second;
        bool open;
    } rows[] = {
        {NULL, NULL, true},        {"always", NULL, true},   {"night", NULL, false},
        {"night", "always", true}, {"nowhere", NULL, false}, {"nowhere", "night", false},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct settings_names names = names_of(rows[i].first, rows[i].second);
        assert_int_equal(config_schedule(config, &names, NOON).open, rows[i].open);
    }
    struct settings_names night = names_of("night", NULL);
    assert_true(config_schedule(config, &night, NOON + INT64_C(15) * 3600000).open);
    /* More sets of names than are remembered give the same verdicts. */
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 100; i++) {
            char other[16];
            (void)snprintf(other, sizeof other, "n%d", i);
            struct settings_names names = names_of("night", other);
            assert_false(config_schedule(config, &names, NOON).open);
        }
        assert_false(config_schedule(config, &night, NOON).open);
    }
}

static void the_order_of_names_makes_another_set(void **state) {
    (void)state;
    struct settings_names a = names_of("x", "y");
    struct settings_names b = names_of("y", "x");
    struct settings_names c = names_of("x", NULL);
    assert_true(config_names_equal(&a, &a));
    assert_false(config_names_equal(&a, &b));
    assert_false(config_names_equal(&a, &c));
    assert_false(config_names_equal(&c, &a));
}

#define TEST(function) cmocka_unit_test_setup(function, parsed_setup)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(faults_stand_at_their_member),
        TEST(their_number_is_bounded),
        TEST(names_are_unique_among_windows_and_freezes),
        TEST(unknown_names_are_told_with_the_known),
        TEST(the_verdict_follows_the_names),
        TEST(the_order_of_names_makes_another_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
