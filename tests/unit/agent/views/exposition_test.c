/* Metrics: counts and measurements appear in the text, and no caller can make it grow without
 * limit. */
#include "agent/model/counters.h"
#include "agent/views/exposition.h"
#include "tests/unit/agent/fixture.h"

static int start(void **state) {
    if (fixture_setup(state) != 0) {
        return -1;
    }
    fixture_begin(*state, "docker");
    return 0;
}

static struct config *config_of(const char *text) {
    struct config *config = NULL;
    CLEANUP(config_faults_release) struct config_faults faults = {0};
    if (!config_parse(text, strlen(text), &config, &faults)) {
        fail_msg("%s", faults.count ? faults.items[0].message : "refused");
    }
    return config;
}

static char *text_of(struct store *store, const char *configuration) {
    CLEANUP(config_release) struct config *config = config_of(configuration);
    CLEANUP(buf_release) struct buf out = BUF_INIT((size_t)1 << 20);
    struct err err = ERR_INIT;
    if (!exposition_write(store, config, &out, &err)) {
        fail_msg("%s", err.message);
    }
    char *text = strdup(buf_text(&out));
    assert_non_null(text);
    return text;
}

static void assert_line(const char *text, const char *line) {
    char whole[256];
    (void)snprintf(whole, sizeof whole, "\n%s\n", line);
    if (!strstr(text, whole)) {
        fail_msg("no line %s in:\n%s", line, text);
    }
}

static void what_is_counted_is_told(void **state) {
    counters_count(METRIC_PUSHES, "ci", "accepted");
    counters_count(METRIC_PUSHES, "ci", "accepted");
    counters_count(METRIC_PUSHES, "", "unauthorized");
    counters_update("docker/site", RESULT_UPDATED);
    counters_answer("ghcr.io", 200);
    counters_answer("ghcr.io", 0);
    CLEANUP(own_free) char *text = text_of(*state, "{}");
    assert_line(text, "# TYPE landwaiter_pushes_total counter");
    assert_line(text, "landwaiter_pushes_total{sender=\"ci\",result=\"accepted\"} 2");
    assert_line(text, "landwaiter_pushes_total{sender=\"\",result=\"unauthorized\"} 1");
    assert_line(text, "landwaiter_updates_total{platform=\"docker\",result=\"updated\"} 1");
    assert_line(text, "landwaiter_registry_requests_total{host=\"ghcr.io\",code=\"200\"} 1");
    assert_line(text, "landwaiter_registry_requests_total{host=\"ghcr.io\",code=\"0\"} 1");
}

static void a_histogram_adds_up(void **state) {
    counters_measure(METRIC_DOWNTIME, "docker", 400);
    counters_measure(METRIC_DOWNTIME, "docker", 1500);
    counters_measure(METRIC_DOWNTIME, "docker", -5); /* the clock was set back */
    counters_measure(METRIC_DOWNTIME, "docker", INT64_C(100000000));
    CLEANUP(own_free) char *text = text_of(*state, "{}");
    assert_line(text, "# TYPE landwaiter_downtime_seconds histogram");
    assert_line(text, "landwaiter_downtime_seconds_bucket{platform=\"docker\",le=\"0.01\"} 1");
    assert_line(text, "landwaiter_downtime_seconds_bucket{platform=\"docker\",le=\"0.5\"} 2");
    assert_line(text, "landwaiter_downtime_seconds_bucket{platform=\"docker\",le=\"5\"} 3");
    assert_line(text, "landwaiter_downtime_seconds_bucket{platform=\"docker\",le=\"86400\"} 3");
    assert_line(text, "landwaiter_downtime_seconds_bucket{platform=\"docker\",le=\"+Inf\"} 4");
    assert_line(text, "landwaiter_downtime_seconds_sum{platform=\"docker\"} 100001.900");
    assert_line(text, "landwaiter_downtime_seconds_count{platform=\"docker\"} 4");
}

static void what_is_open_is_told_by_stage(void **state) {
    fixture_place(*state, fixture_update(*state, "docker/a"), "gate", NULL);
    fixture_place(*state, fixture_update(*state, "docker/b"), "gate", NULL);
    fixture_place(*state, fixture_update(*state, "docker/c"), "observe", NULL);
    fixture_place(*state, fixture_update(*state, "docker/d"), "settle", "updated");
    CLEANUP(own_free) char *text = text_of(*state, "{}");
    assert_line(text, "landwaiter_updates_open{stage=\"gate\"} 2");
    assert_line(text, "landwaiter_updates_open{stage=\"observe\"} 1");
    assert_null(strstr(text, "stage=\"settle\"} 0"));
}

static void windows_are_told(void **state) {
    CLEANUP(own_free)
    char *text = text_of(
        *state, "windows:\n  noon: {days: [fri], start: \"11:00\", end: \"13:00\", tz: UTC}\n"
                "  night: {days: [sat], start: \"02:00\", end: \"03:00\", tz: UTC}\n");
    assert_line(text, "landwaiter_window_open{window=\"noon\"} 1");
    assert_line(text, "landwaiter_window_open{window=\"night\"} 0");
    assert_line(text, "landwaiter_window_next_open_timestamp_seconds{window=\"night\"} 1795226400");
}

static void labels_are_bounded_and_quoted(void **state) {
    char name[64];
    for (int i = 0; i < 5000; i++) {
        (void)snprintf(name, sizeof name, "registry%d.test", i);
        counters_answer(name, 200);
    }
    counters_count(METRIC_PUSHES, "a \"b\"\\\nc", "accepted");
    CLEANUP(own_free) char *text = text_of(*state, "{}");
    assert_true(strlen(text) < 64 * 1024);
    assert_non_null(strstr(text, "{host=\"other\",code=\"other\"} 47"));
    assert_line(text,
                "landwaiter_pushes_total{sender=\"a \\\"b\\\"\\\\\\nc\",result=\"accepted\"} 1");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, start, fixture_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(what_is_counted_is_told),       TEST(a_histogram_adds_up),
        TEST(what_is_open_is_told_by_stage), TEST(windows_are_told),
        TEST(labels_are_bounded_and_quoted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
