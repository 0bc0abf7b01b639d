/* The first stage: is it still the target of that push? */
#include "agent/pipeline/stage.h"
#include "tests/unit/agent/scripted.h"

static struct outcome ask(struct scripted_case *opened) {
    return stage_policy(&scripted.pipeline, &opened->update, &opened->notes);
}

static void a_wanted_tag_goes_on_and_its_order_is_noted(void **state) {
    (void)state;
    struct scripted_case opened;
    struct err err = ERR_INIT;
    struct target *target = scripted_add(0, "dry/site");
    (void)snprintf(target->settings.group, sizeof target->settings.group, "web");
    assert_true(settings_set(&target->settings, SETTINGS_DEPENDS_ON, "db", &err));
    scripted_open(&opened, "dry/site");
    (void)snprintf(target->instance, sizeof target->instance, "instance-2");
    assert_outcome(ask(&opened), VERDICT_NEXT, "policy digest");
    assert_true(opened.notes.order.known);
    assert_string_equal(opened.notes.order.group, "web");
    assert_string_equal(opened.notes.order.depends_on, "db");
    assert_string_equal(opened.notes.instance, "instance-2");
    assert_string_equal(opened.notes.from, FIXTURE_DIGEST("1"));
    scripted_close(&opened);
}

static void an_unwanted_tag_ends_and_notes_nothing(void **state) {
    (void)state;
    struct scripted_case opened;
    struct err err = ERR_INIT;
    struct target *target = scripted_add(0, "dry/site");
    scripted_open(&opened, "dry/site");
    assert_true(settings_set(&target->settings, SETTINGS_POLICY, "never", &err));
    struct outcome outcome = ask(&opened);
    assert_outcome(outcome, VERDICT_DROP, "never");
    assert_int_equal(outcome.result, RESULT_UNCHANGED);
    assert_false(opened.notes.order.known);
    scripted_close(&opened);
}

static void an_engine_that_is_away_is_waited_for(void **state) {
    (void)state;
    struct scripted_case opened;
    (void)scripted_add(0, "dry/site");
    scripted_open(&opened, "dry/site");
    scripted.away = true;
    struct outcome outcome = ask(&opened);
    assert_outcome(outcome, VERDICT_WAIT, "no answer");
    assert_true(outcome.attempt);
    assert_false(opened.notes.order.known);
    scripted_close(&opened);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, scripted_setup, scripted_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_wanted_tag_goes_on_and_its_order_is_noted),
        TEST(an_unwanted_tag_ends_and_notes_nothing),
        TEST(an_engine_that_is_away_is_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
