/* Holds and releases as people send them. */
#include "tests/unit/agent/control/handling.h"

#define HOLD "/v1/targets/dry/site/hold"

static bool held(const char *target, struct hold *out) {
    *out = (struct hold){.until_ms = 0};
    return store_held(scripted.pipeline.store, target, fixture_now_ms, out);
}

static void hold_it(const char *path, const char *body) {
    CLEANUP(json_release) json_t *answer = handling_answer("POST", path, body);
    assert_non_null(json_object_get(answer, "hold"));
}

/* "ACTOR EVENT" of the newest entry of the audit trail. */
static const char *last_entry(void) {
    static char text[256];
    CLEANUP(json_release) json_t *audit = store_audit(scripted.pipeline.store, 1);
    const json_t *entry = json_array_get(audit, 0);
    (void)snprintf(text, sizeof text, "%s %s", json_text(entry, "actor"),
                   json_text(entry, "event"));
    return text;
}

static void a_hold_has_its_end_and_reason(void **state) {
    (void)state;
    struct hold hold;
    (void)scripted_add(0, "dry/site");
    hold_it(HOLD, "{\"until\":\"2026-12-24T18:00:00Z\",\"reason\":\"guests\"}");
    assert_true(held("dry/site", &hold));
    assert_string_equal(hold.reason, "guests");
    assert_int_equal(hold.until_ms, INT64_C(1798135200000));
    assert_string_equal(last_entry(), "control token held");
    assert_int_equal(handling_changes, 1);
    hold_it(HOLD, NULL); /* for ever, in place of the first */
    assert_true(held("dry/site", &hold));
    assert_int_equal(hold.until_ms, 0);
    assert_string_equal(hold.reason, "");
    hold_it(HOLD, "{\"until\":null}");
    assert_true(held("dry/site", &hold));
    assert_false(held("dry/other", &hold));
}

static void all_stands_for_every_target(void **state) {
    (void)state;
    struct hold hold;
    hold_it("/v1/targets/all/hold", "{}");
    assert_true(held("docker/anything", &hold));
    CLEANUP(json_release) json_t *answer = handling_answer("POST", "/v1/targets/all/release", NULL);
    assert_true(json_is_null(json_object_get(answer, "hold")));
    assert_false(held("docker/anything", &hold));
    assert_int_equal(handling_changes, 2);
}

static void wrong_bodies_hold_nothing(void **state) {
    (void)state;
    struct hold hold;
    static const char *const bodies[] = {"[",
                                         "[]",
                                         "\"2026-12-24\"",
                                         "null",
                                         "{\"until\":1798135200}",
                                         "{\"until\":\"tomorrow\"}",
                                         "{\"until\":\"2026-12-24\"}",
                                         "{\"until\":\"\"}",
                                         "{\"until\":\"1969-12-31T23:59:59Z\"}",
                                         "{\"until\":\"1970-01-01T00:00:00Z\"}",
                                         "{\"until\":\"2026-11-20T11:59:59Z\"}", /* it is past */
                                         "{\"reason\":7}",
                                         "{\"reason\":{}}"};
    (void)scripted_add(0, "dry/site");
    for (size_t i = 0; i < ARRAY_LENGTH(bodies); i++) {
        assert_refused("POST", HOLD, bodies[i], ERR_INVALID, "");
        assert_false(held("dry/site", &hold));
    }
    assert_int_equal(handling_changes, 0);
}

/* A misspelt name would seem to protect something. */
static void a_misspelt_target_is_refused(void **state) {
    (void)state;
    struct hold hold;
    (void)scripted_add(0, "dry/site");
    assert_refused("POST", "/v1/targets/dry/sites/hold", NULL, ERR_GONE, "no target dry/sites");
    assert_refused("POST", "/v1/targets/site/hold", NULL, ERR_GONE, "no target site");
    assert_refused("POST", "/v1/targets/docker/site/hold", NULL, ERR_GONE, "docker/site");
    assert_refused("POST", "/v1/targets/ALL/hold", NULL, ERR_GONE, "`all`");
    /* Nobody knows while the platform is away: better held than not. */
    scripted.away = true;
    hold_it("/v1/targets/dry/sites/hold", NULL);
    assert_true(held("dry/sites", &hold));
}

static void paths_that_are_no_order_are_refused(void **state) {
    (void)state;
    static const char *const paths[] = {"/v1/targets/hold", "/v1/targets/dry/site/",
                                        "/v1/targets/dry/site/HOLD", "/v1/targets/dry/site/delete"};
    (void)scripted_add(0, "dry/site");
    for (size_t i = 0; i < ARRAY_LENGTH(paths); i++) {
        assert_refused("POST", paths[i], NULL, ERR_GONE, "can be held or released");
    }
    char path[TARGET_NAME_SIZE + 64] = "/v1/targets/dry/";
    size_t len = strlen(path);
    memset(path + len, 'a', TARGET_NAME_SIZE);
    (void)snprintf(path + len + TARGET_NAME_SIZE, 8, "/hold");
    assert_refused("POST", path, NULL, ERR_GONE, "can be held or released");
}

static void a_release_needs_a_hold(void **state) {
    (void)state;
    struct hold hold;
    (void)scripted_add(0, "dry/site");
    assert_refused("POST", "/v1/targets/dry/site/release", NULL, ERR_GONE, "hold");
    hold_it(HOLD, NULL);
    scripted.targets[0].name[0] = '\0'; /* removed meanwhile: its hold can go too */
    CLEANUP(json_release)
    json_t *answer = handling_answer("POST", "/v1/targets/dry/site/release", NULL);
    assert_string_equal(json_text(answer, "target"), "dry/site");
    assert_string_equal(last_entry(), "control token released");
    assert_false(held("dry/site", &hold));
}

static void the_list_has_each_target(void **state) {
    (void)state;
    (void)scripted_add(0, "dry/site");
    (void)scripted_add(1, "dry/other");
    CLEANUP(json_release) json_t *answer = handling_answer("GET", "/v1/targets", NULL);
    assert_int_equal(json_array_size(answer), 2);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, handling_setup, handling_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_hold_has_its_end_and_reason),
        TEST(all_stands_for_every_target),
        TEST(wrong_bodies_hold_nothing),
        TEST(a_misspelt_target_is_refused),
        TEST(paths_that_are_no_order_are_refused),
        TEST(a_release_needs_a_hold),
        TEST(the_list_has_each_target),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
