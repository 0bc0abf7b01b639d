/* Rules: whom they match, what they set, and their checks against the rest of the file. */
#include "tests/unit/agent/config/parsed.h"

static void their_number_is_bounded(void **state) {
    (void)state;
    static const char rule[] = "  - {match: {name: n#}, group: g}\n";
    struct config *config = parsed(parsed_many("rules:\n", rule, 500), NULL);
    assert_int_equal(config->rule_count, 500);
    config_drop(config);
    parsed_refused(parsed_many("rules:\n", rule, 501), "at most 500 rules");
    parsed_refused("rules: {a: b}\n", "6:8: `rules` must be a list");
}

static void a_name_is_bounded(void **state) {
    (void)state;
    static const struct {
        const char *name;
        bool good;
    } rows[] = {
        {"'********'", true},
        {"'*********'", false},
        {"a_B-1.c", true},
        {"a/b", false},
        {"'a?'", false},
        {"'[ab]'", false},
        {"\"a\\nb\"", false},
        {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", true},
        {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        char text[256];
        (void)snprintf(text, sizeof text, "rules:\n  - {match: {name: %s}, group: g}\n",
                       rows[i].name);
        if (rows[i].good) {
            config_drop(parsed(text, NULL));
        } else {
            parsed_refused(text, "is not the name of a target");
        }
    }
}

static void labels_are_texts_of_a_bounded_number(void **state) {
    (void)state;
    CLEANUP(config_release)
    struct config *config =
        parsed("rules:\n  - {match: {labels: {tier: web, n: 1}}, group: g}\n", NULL);
    const json_t *labels = config->rules[0].match.labels;
    assert_string_equal(json_string_value(json_object_get(labels, "tier")), "web");
    assert_string_equal(json_string_value(json_object_get(labels, "n")), "1");
    parsed_refused("rules:\n  - {match: {labels: [a]}, group: g}\n", "`labels` has the wrong type");
    parsed_refused("rules:\n  - {match: {labels: {a: [b]}}, group: g}\n", "`labels` has the wrong");
    parsed_refused("rules:\n  - {match: {labels: {a: ''}}, group: g}\n", "`labels` is empty");
    static const char head[] = "rules:\n  - group: g\n    match:\n     labels:\n";
    config_drop(parsed(parsed_many(head, "      l#: v\n", 32), NULL));
    parsed_refused(parsed_many(head, "      l#: v\n", 33), "`labels` has the wrong type");
}

static void a_rule_sets_exactly_what_it_writes(void **state) {
    (void)state;
    CLEANUP(config_release)
    struct config *config = parsed("rules:\n  - {match: {platform: docker}, policy: minor, "
                                   "health: {soak: 3s}}\n",
                                   NULL);
    const struct config_rule *rule = &config->rules[0];
    for (int key = 0; key < SETTINGS_KEYS; key++) {
        assert_int_equal(rule->set[key], key == SETTINGS_POLICY || key == SETTINGS_SOAK);
    }
    assert_int_equal(rule->settings.sources[SETTINGS_SOAK].rule, 1);
    config_drop(parsed("rules:\n  - {match: {name: a}}\n", "warning: the rule sets nothing"));
    /* A rule whose only setting has a fault is not blamed for setting nothing. */
    static const char text[] = PARSED_SENDER "rules:\n  - {match: {name: a}, policy: often}\n";
    CLEANUP(config_faults_release) struct config_faults faults = {0};
    struct config *none = NULL;
    assert_false(config_parse(text, strlen(text), &none, &faults));
    assert_int_equal(faults.count, 1);
    assert_non_null(strstr(faults.items[0].message, "`policy`"));
}

static void a_match_must_say_something(void **state) {
    (void)state;
    parsed_refused("rules:\n  - {match: {}, group: g}\n", "`match` is empty");
    parsed_refused("rules:\n  - {group: g}\n", "`match` is missing");
    parsed_refused("rules:\n  - {match: {platform: dockr}, group: g}\n", "did you mean docker?");
    parsed_refused("rules:\n  - {match: {namespace: Shop}, group: g}\n", "`namespace`");
}

static void an_unknown_window_stands_at_its_place(void **state) {
    (void)state;
    parsed_refused("rules:\n  - match: {name: a}\n    windows: [always, nigth]\n"
                   "windows:\n  night: {start: \"02:00\", end: \"05:00\", tz: UTC}\n",
                   "8:23: `windows`: there is no window \"nigth\"; did you mean night?");
    parsed_refused("defaults: {windows: [x]}\n", "6:22: `windows`: there is no window \"x\"");
}

static void memory_is_not_seen_on_another_host(void **state) {
    (void)state;
#define REMOTE "platforms: {docker: {host: 'tcp://10.0.0.1:2375'}}\n"
    parsed_refused(REMOTE "rules:\n  - {match: {name: a}, min_free_memory: 1GiB}\n", "tcp://");
    parsed_refused(REMOTE "rules:\n  - {match: {platform: docker}, min_free_memory: 1GiB}\n",
                   "tcp://");
}

#define TEST(function) cmocka_unit_test_setup(function, parsed_setup)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(their_number_is_bounded),
        TEST(a_name_is_bounded),
        TEST(labels_are_texts_of_a_bounded_number),
        TEST(a_rule_sets_exactly_what_it_writes),
        TEST(a_match_must_say_something),
        TEST(an_unknown_window_stands_at_its_place),
        TEST(memory_is_not_seen_on_another_host),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
