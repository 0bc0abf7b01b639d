/* The driver's observation as the stage's answer. */
#include "agent/pipeline/stage.h"
#include "tests/unit/agent/scripted.h"

static struct outcome observe(struct scripted_case *opened) {
    (void)scripted_add(0, "dry/site");
    scripted_open(opened, "dry/site");
    opened->update.stage = STAGE_OBSERVE;
    return stage_observe(&scripted.pipeline, &opened->update, &opened->notes);
}

static void rollback_is(struct scripted_case *opened, bool rollback) {
    struct settings settings;
    settings_init(&settings);
    settings.rollback = rollback;
    notes_keep_settings(&opened->notes, &settings);
}

static void a_pending_one_is_looked_at_again(void **state) {
    (void)state;
    struct scripted_case opened;
    scripted.health = PLATFORM_PENDING;
    struct outcome outcome = observe(&opened);
    assert_outcome(outcome, VERDICT_WAIT, "looked at");
    assert_int_equal(outcome.wait_ms, 1000);
    assert_false(outcome.attempt);
    assert_string_equal(opened.notes.good, "");
    scripted_close(&opened);
}

static void a_healthy_one_goes_on_with_its_reason(void **state) {
    (void)state;
    struct scripted_case opened;
    assert_outcome(observe(&opened), VERDICT_NEXT, "looked at");
    assert_string_equal(opened.notes.good, "looked at");
    assert_string_equal(opened.notes.why, "");
    scripted_close(&opened);
}

static void a_sick_one_is_undone_unless_rollback_is_off(void **state) {
    (void)state;
    struct scripted_case opened;
    scripted.health = PLATFORM_UNHEALTHY;
    assert_outcome(observe(&opened), VERDICT_UNDO, "looked at");
    rollback_is(&opened, false);
    assert_outcome(stage_observe(&scripted.pipeline, &opened.update, &opened.notes), VERDICT_NEXT,
                   "rollback is off");
    assert_string_equal(opened.notes.why, "looked at");
    assert_string_equal(opened.notes.good, "");
    scripted_close(&opened);
}

static void one_of_somebody_else_is_left_alone(void **state) {
    (void)state;
    struct scripted_case opened;
    scripted.health = PLATFORM_OVERTAKEN;
    scripted.overtaken = RESULT_SUPERSEDED;
    struct outcome outcome = observe(&opened);
    assert_outcome(outcome, VERDICT_DROP, "looked at");
    assert_int_equal(outcome.result, RESULT_SUPERSEDED);
    scripted_close(&opened);
}

/* An engine that restarts says nothing about the target; one that refuses does. */
static void only_a_lasting_failure_undoes(void **state) {
    (void)state;
    struct scripted_case opened;
    scripted.observe_fails = true;
    struct outcome outcome = observe(&opened);
    assert_outcome(outcome, VERDICT_WAIT, "not now");
    assert_true(outcome.attempt);
    scripted.error = ERR_GONE;
    assert_outcome(stage_observe(&scripted.pipeline, &opened.update, &opened.notes), VERDICT_UNDO,
                   "not now");
    rollback_is(&opened, false);
    assert_outcome(stage_observe(&scripted.pipeline, &opened.update, &opened.notes), VERDICT_NEXT,
                   "rollback is off");
    scripted_close(&opened);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, scripted_setup, scripted_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_pending_one_is_looked_at_again),
        TEST(a_healthy_one_goes_on_with_its_reason),
        TEST(a_sick_one_is_undone_unless_rollback_is_off),
        TEST(one_of_somebody_else_is_left_alone),
        TEST(only_a_lasting_failure_undoes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
