/* The settings of a target: what labels may say, and that a faulty one is never taken for none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/settings.h"
#include "base/json.h"

#define PREFIX "landwaiter."

static struct settings_labels labels_of(const char *text, struct settings *settings) {
    CLEANUP(json_release) json_t *labels = NULL;
    struct settings_labels out;
    assert_true(json_parse(text, strlen(text), &labels, NULL));
    settings_init(settings);
    settings_from_labels(labels, PREFIX, settings, &out);
    return out;
}

static void built_in_values(void **state) {
    (void)state;
    struct settings settings;
    settings_init(&settings);
    assert_int_equal(settings.policy.kind, POLICY_DIGEST);
    assert_int_equal(settings.health_timeout_ms, 120000);
    assert_int_equal(settings.soak_ms, 10000);
    assert_true(settings.rollback);
    assert_int_equal(settings.stop_timeout_ms, -1);
    for (int i = 0; i < SETTINGS_KEYS; i++) {
        assert_false(settings.written[i]);
        assert_int_equal(settings.sources[i], SETTINGS_DEFAULT);
    }
}

static void labels_override(void **state) {
    (void)state;
    struct settings settings;
    struct settings_labels labels =
        labels_of("{\"landwaiter.enable\": \"true\", \"landwaiter.policy\": \"never\","
                  "\"landwaiter.health-timeout\": \"5m\", \"landwaiter.soak\": \"0s\","
                  "\"landwaiter.rollback\": \"false\", \"landwaiter.stop-timeout\": \"90s\","
                  "\"com.example.policy\": \"whatever\"}",
                  &settings);
    assert_string_equal(labels.problem, "");
    assert_int_equal(labels.enable, SETTINGS_ENABLE_TRUE);
    assert_int_equal(settings.policy.kind, POLICY_NEVER);
    assert_int_equal(settings.health_timeout_ms, 300000);
    assert_int_equal(settings.soak_ms, 0);
    assert_false(settings.rollback);
    assert_int_equal(settings.stop_timeout_ms, 90000);
    for (int i = 0; i < SETTINGS_KEYS; i++) {
        assert_true(settings.written[i]);
        assert_int_equal(settings.sources[i], SETTINGS_LABEL);
    }
}

static void labels_say_nothing(void **state) {
    (void)state;
    struct settings settings;
    struct settings_labels out = {.enable = SETTINGS_ENABLE_TRUE, .problem = "old"};
    settings_init(&settings);
    settings_from_labels(NULL, PREFIX, &settings, &out);
    assert_int_equal(out.enable, SETTINGS_ENABLE_UNSET);
    assert_string_equal(out.problem, "");
    out = labels_of("{\"landwaiter.enable\": \"false\"}", &settings);
    assert_int_equal(out.enable, SETTINGS_ENABLE_FALSE);
    assert_false(settings.written[SETTINGS_POLICY]);
}

static void faulty_labels_are_problems(void **state) {
    (void)state;
    static const struct {
        const char *labels, *problem;
    } cases[] = {
        {"{\"landwaiter.enable\": \"yes\"}",
         "label landwaiter.enable: \"yes\" is neither; write true or false"},
        {"{\"landwaiter.enable\": \"\"}",
         "label landwaiter.enable: \"\" is neither; write true or false"},
        {"{\"landwaiter.enable\": true}", "label landwaiter.enable: its value is not a string"},
        {"{\"landwaiter.soak\": \"10\"}",
         "label landwaiter.soak: \"10\" is not a duration; write a "
         "number and a unit: 90s, 15m, 3h, 2d"},
        {"{\"landwaiter.health-timeout\": \"0s\"}",
         "label landwaiter.health-timeout: \"0s\" is out of range; write a duration of 1s to 24h"},
        {"{\"landwaiter.policy\": \"semver:^1\"}", "label landwaiter.policy: \"semver:^1\" "
                                                   "is not supported by this version yet; write "
                                                   "digest or never"},
        {"{\"landwaiter.windows\": \"night\"}",
         "label landwaiter.windows is not supported by this version yet"},
        {"{\"landwaiter.wait-idle\": \"5m\"}",
         "label landwaiter.wait-idle is not supported by this version yet"},
        {"{\"landwaiter.polciy\": \"never\"}",
         "unknown label landwaiter.polciy: did you mean landwaiter.policy?"},
        {"{\"landwaiter.foo\": \"1\"}", "unknown label landwaiter.foo"},
        {"{\"landwaiter.\": \"1\"}", "unknown label landwaiter."},
        {"{\"landwaiter.a\\u001b[2J\": \"1\"}", "unknown label landwaiter.a?[2J"},
        {"{\"landwaiter.foo\": \"1\", \"landwaiter.group\": \"web\"}",
         "unknown label landwaiter.foo; label landwaiter.group is not supported by this version "
         "yet"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct settings settings;
        struct settings_labels labels = labels_of(cases[i].labels, &settings);
        assert_string_equal(labels.problem, cases[i].problem);
        assert_int_equal(labels.enable, SETTINGS_ENABLE_UNSET);
    }
}

static void every_later_label_is_refused(void **state) {
    (void)state;
    static const char *const keys[] = {"windows",    "approval",    "group",           "depends-on",
                                       "pre-update", "post-update", "min-free-memory", "wait-idle"};
    for (size_t i = 0; i < ARRAY_LENGTH(keys); i++) {
        struct settings settings;
        char text[128], wanted[128];
        (void)snprintf(text, sizeof text, "{\"landwaiter.%s\": \"x\"}", keys[i]);
        (void)snprintf(wanted, sizeof wanted,
                       "label landwaiter.%s is not supported by this version yet", keys[i]);
        assert_string_equal(labels_of(text, &settings).problem, wanted);
    }
}

static void many_faulty_labels_are_named(void **state) {
    (void)state;
    struct settings settings;
    struct settings_labels labels = labels_of(
        "{\"landwaiter.windows\": \"a\", \"landwaiter.approval\": \"b\", \"landwaiter.group\": "
        "\"c\", \"landwaiter.pre-update\": \"d\", \"landwaiter.soak\": \"e\", "
        "\"landwaiter.rollback\": \"f\"}",
        &settings);
    assert_string_equal(labels.problem, "6 faulty labels: landwaiter.windows, landwaiter.approval, "
                                        "landwaiter.group, landwaiter.pre-update, landwaiter.soak, "
                                        "landwaiter.rollback");
}

static void too_many_faulty_labels_are_counted(void **state) {
    (void)state;
    struct settings settings;
    CLEANUP(json_release) json_t *labels = json_object();
    for (int i = 0; i < 500; i++) {
        char label[64];
        (void)snprintf(label, sizeof label, "landwaiter.a-label-that-nobody-knows-%d", i);
        assert_int_equal(json_object_set_new(labels, label, json_string("x")), 0);
    }
    struct settings_labels out;
    settings_init(&settings);
    settings_from_labels(labels, PREFIX, &settings, &out);
    assert_non_null(strstr(out.problem, "500 faulty labels: landwaiter.a-label"));
    assert_non_null(strstr(out.problem, " more"));
}

static void set_leaves_outputs_on_failure(void **state) {
    (void)state;
    struct settings settings;
    struct err err = ERR_INIT;
    settings_init(&settings);
    assert_false(settings_set(&settings, SETTINGS_SOAK, "25h", &err));
    assert_int_equal(err.kind, ERR_INVALID);
    assert_int_equal(settings.soak_ms, 10000);
    assert_false(settings.written[SETTINGS_SOAK]);
    assert_true(settings_set(&settings, SETTINGS_SOAK, "24h", &err));
    assert_true(settings.written[SETTINGS_SOAK]);
    assert_int_equal(settings.sources[SETTINGS_SOAK], SETTINGS_DEFAULT);
}

static void shown_as_json(void **state) {
    (void)state;
    struct settings settings;
    (void)labels_of("{\"landwaiter.soak\": \"500ms\", \"landwaiter.rollback\": \"false\"}",
                    &settings);
    CLEANUP(json_release) json_t *json = settings_json(&settings);
    CLEANUP(buf_release) struct buf text = BUF_INIT(4096);
    json_write(json, &text);
    assert_string_equal(buf_text(&text),
                        "{\"policy\":{\"value\":\"digest\",\"source\":\"default\"},"
                        "\"health-timeout\":{\"value\":120,\"source\":\"default\"},"
                        "\"soak\":{\"value\":0.5,\"source\":\"label\"},"
                        "\"rollback\":{\"value\":false,\"source\":\"label\"},"
                        "\"stop-timeout\":{\"value\":null,\"source\":\"default\"}}");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(built_in_values),
        cmocka_unit_test(labels_override),
        cmocka_unit_test(labels_say_nothing),
        cmocka_unit_test(faulty_labels_are_problems),
        cmocka_unit_test(every_later_label_is_refused),
        cmocka_unit_test(many_faulty_labels_are_named),
        cmocka_unit_test(too_many_faulty_labels_are_counted),
        cmocka_unit_test(set_leaves_outputs_on_failure),
        cmocka_unit_test(shown_as_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
