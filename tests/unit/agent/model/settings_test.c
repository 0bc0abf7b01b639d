/* The settings of a target: the values of labels; a faulty label is never ignored. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/model/settings.h"
#include "base/json.h"

static const struct settings_reading reading = {.prefix = "landwaiter.", .kind = SETTINGS_LABEL};

static struct settings_labels labels_of(const char *text, struct settings *settings) {
    CLEANUP(json_release) json_t *labels = NULL;
    struct settings_labels out;
    assert_true(json_parse(text, strlen(text), &labels, NULL));
    settings_init(settings);
    settings_from_labels(labels, &reading, settings, &out);
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
    assert_int_equal(settings.windows.count, 0);
    assert_false(settings.approval_required);
    assert_int_equal(settings.approval_expires_ms, INT64_C(604800000));
    assert_string_equal(settings.group, "");
    assert_int_equal(settings.depends_on.count, 0);
    assert_int_equal(settings.min_free_memory, 0);
    for (int i = 0; i < SETTINGS_KEYS; i++) {
        assert_false(settings.sources[i].written);
        assert_int_equal(settings.sources[i].kind, SETTINGS_DEFAULT);
    }
}

static void labels_override(void **state) {
    (void)state;
    struct settings settings;
    struct settings_labels labels =
        labels_of("{\"landwaiter.enable\": \"true\", \"landwaiter.policy\": \"never\","
                  "\"landwaiter.health-timeout\": \"5m\", \"landwaiter.soak\": \"0s\","
                  "\"landwaiter.rollback\": \"false\", \"landwaiter.stop-timeout\": \"90s\","
                  "\"landwaiter.windows\": \"night , patch-sunday,night\","
                  "\"landwaiter.approval\": \"required\", \"landwaiter.group\": \"web\","
                  "\"landwaiter.depends-on\": \"db,queue_1\","
                  "\"landwaiter.min-free-memory\": \"512MiB\","
                  "\"landwaiter.managed\": \"true\","
                  "\"com.example.policy\": \"whatever\"}",
                  &settings);
    assert_string_equal(labels.problem, "");
    assert_int_equal(settings.windows.count, 2);
    assert_string_equal(settings.windows.items[0], "night");
    assert_string_equal(settings.windows.items[1], "patch-sunday");
    assert_true(settings.approval_required);
    assert_string_equal(settings.group, "web");
    assert_int_equal(settings.depends_on.count, 2);
    assert_string_equal(settings.depends_on.items[1], "queue_1");
    assert_int_equal(settings.min_free_memory, INT64_C(536870912));
    assert_true(settings.managed);
    assert_int_equal(labels.enable, SETTINGS_ENABLE_TRUE);
    assert_int_equal(settings.policy.kind, POLICY_NEVER);
    assert_int_equal(settings.health_timeout_ms, 300000);
    assert_int_equal(settings.soak_ms, 0);
    assert_false(settings.rollback);
    assert_int_equal(settings.stop_timeout_ms, 90000);
    for (int i = 0; i < SETTINGS_KEYS; i++) {
        bool label = i != SETTINGS_APPROVAL_EXPIRES; /* the only setting without a label */
        assert_int_equal(settings.sources[i].written, label);
        assert_int_equal(settings.sources[i].kind, label ? SETTINGS_LABEL : SETTINGS_DEFAULT);
    }
}

static void labels_say_nothing(void **state) {
    (void)state;
    struct settings settings;
    struct settings_labels out = {.enable = SETTINGS_ENABLE_TRUE, .problem = "old"};
    settings_init(&settings);
    settings_from_labels(NULL, &reading, &settings, &out);
    assert_int_equal(out.enable, SETTINGS_ENABLE_UNSET);
    assert_string_equal(out.problem, "");
    out = labels_of("{\"landwaiter.enable\": \"false\"}", &settings);
    assert_int_equal(out.enable, SETTINGS_ENABLE_FALSE);
    assert_false(settings.sources[SETTINGS_POLICY].written);
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
        {"{\"landwaiter.policy\": \"semver:^\"}",
         "label landwaiter.policy: policy semver:^: \"\" is not a version or a range; write for "
         "example ~1.4, ^1.4.2, 1.4.x, >=1.4 <2 or 1.4 - 1.6"},
        {"{\"landwaiter.policy\": \"latest\"}",
         "label landwaiter.policy: \"latest\" is not a policy; write one of: digest, major, minor, "
         "patch, semver:…, glob:…, regex:…, force, never"},
        {"{\"landwaiter.windows\": \"\"}",
         "label landwaiter.windows: \"\" is not a name; write at most 63 letters, digits, '-', '_' "
         "and '.'"},
        {"{\"landwaiter.windows\": \"night,,day\"}",
         "label landwaiter.windows: \"\" is not a name; write at most 63 letters, digits, '-', '_' "
         "and '.'"},
        {"{\"landwaiter.depends-on\": \"docker/db\"}",
         "label landwaiter.depends-on: \"docker/db\" is not a name; write at most 63 letters, "
         "digits, '-', '_' and '.'"},
        {"{\"landwaiter.depends-on\": \"a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q\"}",
         "label landwaiter.depends-on: there are more than 16 names; write fewer"},
        {"{\"landwaiter.group\": "
         "\"a123456789012345678901234567890123456789012345678901234567890123\"}",
         "label landwaiter.group: "
         "\"a123456789012345678901234567890123456789012345678901234567890123\" is not a name; "
         "write "
         "at most 63 letters, digits, '-', '_' and '.'"},
        {"{\"landwaiter.approval\": \"yes\"}",
         "label landwaiter.approval: \"yes\" is neither; write none or required"},
        {"{\"landwaiter.approval-expires\": \"1d\"}", "unknown label landwaiter.approval-expires"},
        {"{\"landwaiter.min-free-memory\": \"512\"}",
         "label landwaiter.min-free-memory: \"512\" is not a size; write a whole number and a "
         "unit: "
         "512MiB, 1GiB, or 0"},
        {"{\"landwaiter.wait-idle\": \"5m\"}",
         "label landwaiter.wait-idle is not supported by this version yet"},
        {"{\"landwaiter.polciy\": \"never\"}",
         "unknown label landwaiter.polciy: did you mean landwaiter.policy?"},
        {"{\"landwaiter.foo\": \"1\"}", "unknown label landwaiter.foo"},
        {"{\"landwaiter.\": \"1\"}", "unknown label landwaiter."},
        {"{\"landwaiter.a\\u001b[2J\": \"1\"}", "unknown label landwaiter.a?[2J"},
        {"{\"landwaiter.foo\": \"1\", \"landwaiter.pre-update\": \"true\"}",
         "unknown label landwaiter.foo; label landwaiter.pre-update is not supported by this "
         "version yet"},
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
    static const char *const keys[] = {"pre-update", "post-update", "wait-idle"};
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
        "{\"landwaiter.windows\": \"-a\", \"landwaiter.approval\": \"b\", \"landwaiter.group\": "
        "\"-c\", \"landwaiter.pre-update\": \"d\", \"landwaiter.soak\": \"e\", "
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
    settings_from_labels(labels, &reading, &settings, &out);
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
    assert_false(settings.sources[SETTINGS_SOAK].written);
    assert_true(settings_set(&settings, SETTINGS_SOAK, "24h", &err));
    assert_true(settings.sources[SETTINGS_SOAK].written);
    assert_int_equal(settings.sources[SETTINGS_SOAK].kind, SETTINGS_DEFAULT);
}

static bool refuse_c(const struct settings *settings, enum settings_key key, const void *context,
                     struct err *err) {
    assert_string_equal(context, "context");
    return key != SETTINGS_GROUP || strcmp(settings->group, "c") != 0 ||
           err_set(err, ERR_INVALID, "anything but c");
}

static void labels_are_checked_by_the_reader_too(void **state) {
    (void)state;
    const struct settings_reading strict = {"l/", SETTINGS_LABEL, refuse_c, "context"};
    CLEANUP(json_release)
    json_t *labels = json_pack("{s:s, s:s, s:s}", "l/group", "c", "l/soak", "1s", "landwaiter.soak",
                               "of another prefix");
    struct settings settings;
    struct settings_labels out;
    settings_init(&settings);
    settings_from_labels(labels, &strict, &settings, &out);
    assert_string_equal(out.problem, "label l/group: anything but c");
    assert_int_equal(settings.soak_ms, 1000);
}

static void one_key_is_taken(void **state) {
    (void)state;
    struct settings from;
    (void)labels_of("{\"landwaiter.policy\": \"minor\", \"landwaiter.windows\": \"a,b\","
                    "\"landwaiter.approval\": \"required\", \"landwaiter.group\": \"g\","
                    "\"landwaiter.health-timeout\": \"1s\", \"landwaiter.soak\": \"2s\","
                    "\"landwaiter.rollback\": \"false\", \"landwaiter.depends-on\": \"d\","
                    "\"landwaiter.stop-timeout\": \"3s\", \"landwaiter.min-free-memory\": \"4B\","
                    "\"landwaiter.managed\": \"true\"}",
                    &from);
    assert_true(settings_set(&from, SETTINGS_APPROVAL_EXPIRES, "1h", NULL));
    CLEANUP(json_release) json_t *wanted = settings_json(&from);
    for (int i = 0; i < SETTINGS_KEYS; i++) {
        struct settings to;
        settings_init(&to);
        CLEANUP(json_release) json_t *before = settings_json(&to);
        settings_take(&to, &from, (enum settings_key)i);
        CLEANUP(json_release) json_t *after = settings_json(&to);
        assert_true(to.sources[i].written);
        for (int k = 0; k < SETTINGS_KEYS; k++) {
            const char *key = settings_table[k].key;
            json_t *expected = json_object_get(k == i ? wanted : before, key);
            assert_true(json_equal(json_object_get(after, key), expected));
            assert_true(k != i ||
                        !json_equal(json_object_get(json_object_get(before, key), "value"),
                                    json_object_get(expected, "value")));
        }
    }
}

static void shown_as_json(void **state) {
    (void)state;
    struct settings settings;
    (void)labels_of("{\"landwaiter.soak\": \"500ms\", \"landwaiter.rollback\": \"false\","
                    "\"landwaiter.windows\": \"night,sunday\"}",
                    &settings);
    settings.sources[SETTINGS_GROUP] = (struct settings_source){SETTINGS_RULE, 12, true};
    CLEANUP(json_release) json_t *json = settings_json(&settings);
    CLEANUP(buf_release) struct buf text = BUF_INIT(4096);
    json_write(json, &text);
    assert_string_equal(buf_text(&text),
                        "{\"policy\":{\"value\":\"digest\",\"source\":\"default\"},"
                        "\"windows\":{\"value\":[\"night\",\"sunday\"],\"source\":\"label\"},"
                        "\"approval\":{\"value\":\"none\",\"source\":\"default\"},"
                        "\"approval-expires\":{\"value\":604800,\"source\":\"default\"},"
                        "\"health-timeout\":{\"value\":120,\"source\":\"default\"},"
                        "\"soak\":{\"value\":0.5,\"source\":\"label\"},"
                        "\"rollback\":{\"value\":false,\"source\":\"label\"},"
                        "\"group\":{\"value\":null,\"source\":\"rule 12\"},"
                        "\"depends-on\":{\"value\":[],\"source\":\"default\"},"
                        "\"stop-timeout\":{\"value\":null,\"source\":\"default\"},"
                        "\"min-free-memory\":{\"value\":0,\"source\":\"default\"},"
                        "\"managed\":{\"value\":false,\"source\":\"default\"}}");
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
        cmocka_unit_test(labels_are_checked_by_the_reader_too),
        cmocka_unit_test(one_key_is_taken),
        cmocka_unit_test(shown_as_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
