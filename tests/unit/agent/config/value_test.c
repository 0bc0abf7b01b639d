/* Single values: what becomes a member of which type, at the limits, and every fault's words. */
#include "agent/config/value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct sample {
    char *text;
    bool flag, either;
    int64_t duration;
    unsigned number;
    int choice;
    struct settings settings;
};

static bool check_lower(const char *text, struct err *err) {
    return text[0] >= 'a' || err_set(err, ERR_INVALID, "write it small");
}

static const char *const colours[] = {"red", "green", NULL};
static const struct config_row rows[] = {
    {.key = "text",
     .type = "a text",
     .read = config_read_text,
     .check = check_lower,
     CONFIG_OF(sample, text)},
    {.key = "flag", .read = config_read_flag, CONFIG_OF(sample, flag)},
    {.key = "duration",
     .type = "1s to 1h",
     .read = config_read_duration,
     .min = 1000,
     .max = 3600000,
     CONFIG_OF(sample, duration)},
    {.key = "number",
     .type = "1 to 256",
     .read = config_read_number,
     .min = 1,
     .max = 256,
     CONFIG_OF(sample, number)},
    {.key = "choice",
     .type = "red or green",
     .read = config_read_choice,
     .choices = colours,
     CONFIG_OF(sample, choice)},
    {.key = "either",
     .type = "red or green",
     .read = config_read_either,
     .choices = colours,
     CONFIG_OF(sample, either)},
    {.key = "rollback",
     .read = config_read_setting,
     .setting = SETTINGS_ROLLBACK,
     CONFIG_OF(sample, settings)},
    {.key = "depends_on",
     .type = "a list of names",
     .read = config_read_names,
     .setting = SETTINGS_DEPENDS_ON,
     CONFIG_OF(sample, settings)},
    CONFIG_LATER("wait_idle", "how long"),
    CONFIG_END,
};
static const struct config_row map = {.key = "map", .type = "a map", .rows = rows};
static const struct config_row strict[] = {
    {.key = "text",
     .type = "a text",
     .required = "text: TEXT",
     .read = config_read_text,
     CONFIG_OF(sample, text)},
    CONFIG_END,
};

static struct sample sample;

/* Reads the map; gives the first fault's message, "" for none. */
static const char *read_as(const struct config_row *row, const char *text) {
    static struct config_reader reader;
    CLEANUP(yaml_release) struct yaml_node *root = NULL;
    struct yaml_fault fault;
    memset(&reader, 0, sizeof reader);
    if (!yaml_parse(text, strlen(text), &root, &fault)) {
        fail_msg("%s: %s", text, fault.message);
    }
    const struct config_value value = {&reader, row, root, &sample};
    (void)!config_members(&value);
    return reader.count > 0 ? reader.items[0].message : "";
}

static int setup(void **state) {
    (void)state;
    memset(&sample, 0, sizeof sample);
    sample.number = 77;
    sample.duration = 77;
    sample.choice = 77;
    settings_init(&sample.settings);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    free(sample.text);
    return 0;
}

static void good_values_arrive(void **state) {
    (void)state;
    assert_string_equal(read_as(&map, "{text: a, flag: true, duration: 1h, number: 256, choice: "
                                      "green, either: green, rollback: false}"),
                        "");
    assert_string_equal(sample.text, "a");
    assert_true(sample.flag && sample.either);
    assert_int_equal(sample.duration, 3600000);
    assert_int_equal(sample.number, 256);
    assert_int_equal(sample.choice, 1);
    assert_false(sample.settings.rollback);
    assert_string_equal(read_as(&map, "{text: b, flag: false, either: red}"), "");
    assert_string_equal(sample.text, "b");
    assert_false(sample.flag || sample.either);
}

static void a_fault_leaves_the_member(void **state) {
    (void)state;
    static const struct {
        const char *text, *message;
    } faults[] = {
        {"text: B", "`text`: write it small"},
        {"text: ", "`text` has no value: write a text, or remove the key"},
        {"text: NULL", "`text` has no value: write a text, or remove the key"},
        {"text: ''", "`text` is empty: write a text"},
        {"text: [a]", "`text` has the wrong type: write a text"},
        {"flag: yes", "`flag` is true or false: write true"},
        {"flag: 'Off'", "`flag` is true or false: write false, without quotes"},
        {"flag: 'true'", "`flag` is true or false: write true, without quotes"},
        {"flag: 1", "`flag` has the wrong type: write true or false"},
        {"flag: ~", "`flag` has no value: write true or false, or remove the key"},
        {"duration: 999ms", "`duration` is out of range: write 1s to 1h"},
        {"duration: 3601s", "`duration` is out of range: write 1s to 1h"},
        {"duration: 60", "`duration`: \"60\" is not a duration: write a number and a unit: 90s, "
                         "15m, 3h, 2d"},
        {"number: 0", "`number` is out of range: write 1 to 256"},
        {"number: 257", "`number` is out of range: write 1 to 256"},
        {"number: 99999999999999999999999999", "`number` is out of range: write 1 to 256"},
        {"number: -1", "`number` has the wrong type: write 1 to 256"},
        {"number: '2'", "`number` has the wrong type: write 1 to 256"},
        {"number: 2.0", "`number` has the wrong type: write 1 to 256"},
        {"choice: gren", "`choice`: unknown value \"gren\": did you mean green?"},
        {"choice: purple", "`choice`: unknown value \"purple\": write red or green"},
        {"rollback: no", "`rollback` is true or false: write false"},
        {"txt: a", "unknown key `txt`: did you mean `text`?"},
        {"zzzzzzz: a", "unknown key `zzzzzzz`: known here are `text`, `flag`, `duration`, "
                       "`number`, `choice`, `either`, `rollback`, `depends_on`"},
        {"wait_idle: 3s",
         "`wait_idle` is not supported by this version yet: remove it (see CHANGELOG)"},
        {"[a]", "`map` has the wrong type: write a map"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(faults); i++) {
        assert_string_equal(read_as(&map, faults[i].text), faults[i].message);
        assert_null(sample.text);
        assert_false(sample.flag);
        assert_int_equal(sample.number, 77);
        assert_int_equal(sample.duration, 77);
        assert_int_equal(sample.choice, 77);
    }
}

static void lists_of_names(void **state) {
    (void)state;
    struct settings_names *names = &sample.settings.depends_on;
    assert_string_equal(read_as(&map, "depends_on: [a, b.c]"), "");
    assert_int_equal(names->count, 2);
    assert_string_equal(names->items[1], "b.c");
    assert_non_null(strstr(read_as(&map, "depends_on: [a, 'b,c']"), "\"b,c\" is not a name"));
    assert_non_null(strstr(read_as(&map, "depends_on: a"), "has the wrong type"));
    assert_non_null(strstr(read_as(&map, "depends_on: [a, [b]]"), "has the wrong type"));
    assert_int_equal(names->count, 2);
    /* An empty list is written too: it takes what an outer place sets. */
    assert_string_equal(read_as(&map, "depends_on: []"), "");
    assert_int_equal(names->count, 0);
    assert_true(sample.settings.sources[SETTINGS_DEPENDS_ON].written);
}

static void required_keys_are_missed(void **state) {
    (void)state;
    const struct config_row row = {.key = "strict", .type = "a map", .rows = strict};
    assert_string_equal(read_as(&row, "{}"), "`text` is missing: write text: TEXT");
    assert_string_equal(read_as(&row, "text: a"), "");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(good_values_arrive),
        TEST(a_fault_leaves_the_member),
        TEST(lists_of_names),
        TEST(required_keys_are_missed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
