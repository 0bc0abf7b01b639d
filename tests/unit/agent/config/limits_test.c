/* Limits of labels: what is over is cut, and told; the configuration itself has none. */
#include "base/json.h"
#include "tests/unit/agent/config/parsed.h"

static struct settings settings_of(const char *text, const char *labels_text,
                                   struct settings_labels *labels) {
    struct settings settings;
    struct ref image;
    CLEANUP(config_release) struct config *config = NULL;
    CLEANUP(config_faults_release) struct config_faults faults = {0};
    CLEANUP(json_release) json_t *all = json_loads(labels_text, 0, NULL);
    assert_non_null(all);
    assert_true(config_parse(text, strlen(text), &config, &faults));
    assert_true(ref_parse("postgres:15", &image, NULL));
    const struct config_subject subject = {
        .name = "db", .platform = "docker", .image = &image, .labels = all};
    config_settings(config, &subject, &settings, labels);
    return settings;
}

#define HOUR_MS (INT64_C(3600) * 1000)

static void a_label_over_the_limit_is_cut_and_told(void **state) {
    (void)state;
    struct settings_labels labels;
    struct settings settings = settings_of(
        "{}", "{\"landwaiter.health-timeout\": \"24h\", \"landwaiter.soak\": \"3601s\"}", &labels);
    assert_int_equal(settings.health_timeout_ms, HOUR_MS);
    assert_int_equal(settings.soak_ms, HOUR_MS);
    assert_string_equal(labels.problem, "");
    assert_non_null(strstr(labels.notice, "label health-timeout: "));
    assert_non_null(strstr(labels.notice, "(limits.health_timeout), so 1 h counts"));
    assert_non_null(strstr(labels.notice, "label soak: "));
    settings = settings_of("{}", "{\"landwaiter.health-timeout\": \"1h\"}", &labels);
    assert_int_equal(settings.health_timeout_ms, HOUR_MS);
    assert_string_equal(labels.notice, "");
}

static void the_limits_are_configured(void **state) {
    (void)state;
    struct settings_labels labels;
    struct settings settings = settings_of(
        "limits: {health_timeout: 2h, soak: 1m}",
        "{\"landwaiter.health-timeout\": \"2h\", \"landwaiter.soak\": \"2m\"}", &labels);
    assert_int_equal(settings.health_timeout_ms, 2 * HOUR_MS);
    assert_int_equal(settings.soak_ms, 60000);
    assert_null(strstr(labels.notice, "health"));
    assert_non_null(strstr(labels.notice, "soak"));
}

/* Nor is a label cut below the target's value without it. */
static void the_configuration_has_no_limit(void **state) {
    (void)state;
    struct settings_labels labels;
    static const char text[] = "rules: [{match: {name: db}, health: {timeout: 10h, soak: 5h}}]";
    struct settings settings = settings_of(text, "{}", &labels);
    assert_int_equal(settings.health_timeout_ms, 10 * HOUR_MS);
    assert_int_equal(settings.soak_ms, 5 * HOUR_MS);
    assert_string_equal(labels.notice, "");
    settings = settings_of(
        text, "{\"landwaiter.health-timeout\": \"11h\", \"landwaiter.soak\": \"5h\"}", &labels);
    assert_int_equal(settings.health_timeout_ms, 10 * HOUR_MS);
    assert_int_equal(settings.soak_ms, 5 * HOUR_MS);
    assert_non_null(strstr(labels.notice, "health-timeout"));
    assert_null(strstr(labels.notice, "soak"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_label_over_the_limit_is_cut_and_told),
        cmocka_unit_test(the_limits_are_configured),
        cmocka_unit_test(the_configuration_has_no_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
