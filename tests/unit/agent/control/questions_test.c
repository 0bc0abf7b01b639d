/* Questions of the control API: a plan of a well-formed image only, and the trail's own check. */
#include "tests/unit/agent/control/handling.h"

#define PLAN "/v1/plan"

static void a_plan_names_the_targets(void **state) {
    (void)state;
    (void)scripted_add(0, "dry/site");
    CLEANUP(json_release)
    json_t *answer = handling_answer("POST", PLAN, "{\"image\":\"ghcr.io/brian/site:1.4\"}");
    assert_int_equal(json_array_size(json_array_member(answer, "targets")), 1);
    CLEANUP(json_release)
    json_t *other = handling_answer("POST", PLAN, "{\"image\":\"ghcr.io/brian/none:1.4\"}");
    assert_int_equal(json_array_size(json_array_member(other, "targets")), 0);
    assert_int_equal(scripted_update("dry/site"), 0); /* it stores nothing */
}

/* The digest may stand beside the image. */
static void a_digest_makes_up_for_the_tag(void **state) {
    (void)state;
    (void)scripted_add(0, "dry/site");
    CLEANUP(json_release)
    json_t *answer = handling_answer(
        "POST", PLAN, "{\"image\":\"ghcr.io/brian/site\",\"digest\":\"" FIXTURE_DIGEST("2") "\"}");
    assert_int_equal(json_array_size(json_array_member(answer, "targets")), 1);
}

static void wrong_bodies_plan_nothing(void **state) {
    (void)state;
    assert_refused("POST", PLAN, NULL, ERR_INVALID, "JSON");
    assert_refused("POST", PLAN, "{", ERR_INVALID, "JSON");
    assert_refused("POST", PLAN, "{}", ERR_INVALID, "`image` is missing");
    assert_refused("POST", PLAN, "[]", ERR_INVALID, "`image` is missing");
    assert_refused("POST", PLAN, "{\"image\":7}", ERR_INVALID, "`image` is missing");
    assert_refused("POST", PLAN, "{\"image\":\"\"}", ERR_INVALID, "");
    assert_refused("POST", PLAN, "{\"image\":\"a b:1\"}", ERR_INVALID, "");
    assert_refused("POST", PLAN, "{\"image\":\"ghcr.io/brian/site\"}", ERR_INVALID,
                   "name a tag or a digest");
    assert_refused("POST", PLAN, "{\"image\":\"ghcr.io/brian/site:1\",\"digest\":\"\"}",
                   ERR_INVALID, "`digest` is not sha256:");
    assert_refused("POST", PLAN, "{\"image\":\"ghcr.io/brian/site:1\",\"digest\":\"sha256:12\"}",
                   ERR_INVALID, "`digest` is not sha256:");
}

static void windows_are_those_of_the_configuration(void **state) {
    (void)state;
    scripted_configure(
        "{platforms: {}, windows: {night: {start: '02:00', end: '05:00', tz: UTC}}}");
    CLEANUP(json_release) json_t *answer = handling_answer("GET", "/v1/windows", NULL);
    assert_int_equal(json_array_size(answer), 1);
    assert_string_equal(json_text(json_array_get(answer, 0), "name"), "night");
}

static void the_trail_is_newest_first(void **state) {
    (void)state;
    (void)scripted_add(0, "dry/site");
    scripted_push("ghcr.io/brian/site:1.4");
    CLEANUP(json_release) json_t *answer = handling_answer("GET", "/v1/audit", NULL);
    assert_true(json_array_size(answer) > 0);
    json_int_t newest = json_integer_value(json_object_get(json_array_get(answer, 0), "seq"));
    assert_int_equal(newest, json_array_size(answer));
}

static void the_doctor_answers(void **state) {
    (void)state;
    CLEANUP(json_release) json_t *answer = handling_answer("GET", "/v1/doctor", NULL);
    assert_true(json_is_boolean(json_object_get(answer, "ok")));
    assert_true(json_array_size(json_array_member(answer, "findings")) > 0);
}

static void metrics_are_a_text(void **state) {
    (void)state;
    const struct control_route *route = NULL;
    struct buf text = BUF_INIT(1 << 20);
    struct err err = ERR_INIT;
    assert_int_equal(control_routes_find("GET", "/metrics", true, &route), CONTROL_FOUND);
    struct control_request request = {.pipeline = scripted.pipeline, .config = scripted.config};
    assert_true(route->write(&request, &text, &err));
    assert_non_null(strstr(buf_text(&text), "# TYPE landwaiter_"));
    assert_int_equal(strncmp(route->type, "text/plain; version=0.0.4", 25), 0);
    buf_release(&text);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, handling_setup, handling_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_plan_names_the_targets),  TEST(a_digest_makes_up_for_the_tag),
        TEST(wrong_bodies_plan_nothing), TEST(windows_are_those_of_the_configuration),
        TEST(the_trail_is_newest_first), TEST(the_doctor_answers),
        TEST(metrics_are_a_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
