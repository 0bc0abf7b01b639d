/* The doctor: each problem is found once, the worst first, and a healthy agent has none. */
#include "agent/pipeline/gate.h"
#include "agent/views/doctor.h"
#include "base/json.h"
#include "tests/unit/agent/scripted.h"

#define SENDER                                                                                     \
    "senders: [{name: ci, images: ['ghcr.io/brian/*'], auth: {oidc: {issuer: "                     \
    "'https://gitlab.example', audience: a, claims: {project_path: brian/site}}}}]"
#define WINDOWS ", windows: {night: {start: '02:00', end: '05:00', tz: UTC}}"
#define GOOD "{platforms: {}, listen: '127.0.0.1:9077', " SENDER "}"

static json_t *report;

static const char *levels[] = {"error", "warning", "note"};

static bool examined_ok(void) {
    json_decref(report);
    report = doctor_examine(&scripted.pipeline);
    assert_non_null(report);
    return json_is_true(json_object_get(report, "ok"));
}

/* The finding about that, whose message has those words; NULL: none. */
static const json_t *finding(const char *about, const char *words) {
    size_t i = 0;
    json_t *item = NULL;
    json_array_foreach(json_object_get(report, "findings"), i, item) {
        if (strcmp(json_text(item, "about"), about) == 0 &&
            strstr(json_text(item, "message"), words)) {
            assert_true(strlen(json_text(item, "advice")) > 0);
            return item;
        }
    }
    return NULL;
}

static void assert_finding(const char *level, const char *about, const char *words) {
    const json_t *found = finding(about, words);
    if (!found) {
        fail_msg("nothing about %s: %s", about, words);
    }
    assert_string_equal(json_text(found, "level"), level);
}

static size_t count(void) {
    return json_array_size(json_object_get(report, "findings"));
}

static void a_healthy_agent_has_no_finding(void **state) {
    (void)state;
    (void)scripted_add(0, "dry/site");
    scripted_configure(GOOD);
    assert_true(examined_ok());
    assert_int_equal(count(), 0);
}

static void a_clock_that_was_never_set_is_an_error(void **state) {
    (void)state;
    (void)scripted_add(0, "dry/site");
    scripted_configure(GOOD);
    fixture_now_ms = GATE_CLOCK_MIN_MS - 1;
    assert_false(examined_ok());
    assert_finding("error", "clock", "2024-12-31T23:59:59.999Z");
    fixture_now_ms = GATE_CLOCK_MIN_MS;
    assert_true(examined_ok());
}

static void plain_http_is_noted_beyond_loopback(void **state) {
    (void)state;
    static const struct {
        const char *listen;
        bool noted;
    } rows[] = {{"127.0.0.1:9077", false}, {"127.8.9.1:80", false},   {"[::1]:9077", false},
                {"unix:/run/x", false},    {"0.0.0.0:9077", true},    {"[::]:9077", true},
                {"[::10]:9077", true},     {"192.168.1.7:9077", true}};
    (void)scripted_add(0, "dry/site");
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        char text[256];
        (void)snprintf(text, sizeof text, "{platforms: {}, listen: '%s', " SENDER "}",
                       rows[i].listen);
        scripted_configure(text);
        assert_true(examined_ok());
        if ((finding("listen", "without TLS") != NULL) != rows[i].noted) {
            fail_msg("%s", rows[i].listen);
        }
    }
}

static void a_window_that_never_opens_is_found(void **state) {
    (void)state;
    (void)scripted_add(0, "dry/site");
    scripted_configure("{platforms: {}, listen: '127.0.0.1:9077', " SENDER WINDOWS "}");
    assert_true(examined_ok());
    assert_int_equal(count(), 0);
    scripted_configure("{platforms: {}, listen: '127.0.0.1:9077', " SENDER WINDOWS
                       ", freezes: [{name: long, from: '2026-01-01', to: '2030-01-01', tz: UTC}]}");
    assert_true(examined_ok());
    assert_finding("warning", "windows", "no update can start in the window night");
}

static void targets_with_a_problem_are_named(void **state) {
    (void)state;
    scripted_configure(GOOD);
    for (size_t i = 0; i < SCRIPTED_TARGETS; i++) {
        static const char *const names[] = {"dry/bad", "dry/stopped", "dry/off"};
        struct target *target = scripted_add(i, names[i]);
        (void)snprintf(target->problem, sizeof target->problem, "100%%s is wrong");
        target->stopped = i == 1;
        target->enabled = i != 2;
    }
    assert_true(examined_ok());
    assert_finding("warning", "dry/bad", "left alone: 100%s is wrong");
    assert_finding("note", "dry/stopped", "left alone");
    assert_int_equal(count(), 2);
}

static void a_platform_without_targets_says_how_to_opt_in(void **state) {
    (void)state;
    scripted_configure(GOOD);
    assert_true(examined_ok());
    assert_finding("note", "dry", "it has no targets");
    dry_play(NULL);
    assert_true(examined_ok());
    assert_int_equal(count(), 0);
}

static void a_platform_that_is_away_is_an_error(void **state) {
    (void)state;
    (void)scripted_add(0, "dry/site");
    scripted_configure("{platforms: {docker: {host: 'unix:///nowhere/docker.sock'}}, "
                       "listen: '127.0.0.1:9077', " SENDER "}");
    assert_false(examined_ok());
    assert_finding("error", "docker", "does not answer");
}

static void the_worst_comes_first(void **state) {
    (void)state;
    (void)scripted_add(0, "dry/site");
    (void)snprintf(scripted.targets[0].problem, sizeof scripted.targets[0].problem, "wrong");
    scripted_configure("{platforms: {}, listen: '0.0.0.0:9077', " SENDER "}");
    fixture_now_ms = 0;
    assert_false(examined_ok());
    const json_t *findings = json_object_get(report, "findings");
    assert_int_equal(json_array_size(findings), 3);
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(json_text(json_array_get(findings, i), "level"), levels[i]);
    }
}

/* A login that cannot be read is told before a pull fails by night. */
static void a_login_that_cannot_be_read_is_an_error(void **state) {
    (void)state;
    (void)scripted_add(0, "dry/site");
    scripted_configure(
        "{platforms: {}, listen: '127.0.0.1:9077', " SENDER
        ", registries: [{host: ghcr.io, credentials: {docker_config: /nowhere/config.json}}]}");
    assert_false(examined_ok());
    assert_finding("error", "ghcr.io", "credentials cannot be read");
}

static int end(void **state) {
    json_decref(report);
    report = NULL;
    return scripted_teardown(state);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, scripted_setup, end)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_healthy_agent_has_no_finding),
        TEST(a_clock_that_was_never_set_is_an_error),
        TEST(plain_http_is_noted_beyond_loopback),
        TEST(a_window_that_never_opens_is_found),
        TEST(targets_with_a_problem_are_named),
        TEST(a_platform_without_targets_says_how_to_opt_in),
        TEST(a_platform_that_is_away_is_an_error),
        TEST(the_worst_comes_first),
        TEST(a_login_that_cannot_be_read_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
