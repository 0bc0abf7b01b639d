/* Places in a driver's table of steps, and the way back to an earlier stage. */
#include "agent/pipeline/swap.h"
#include "tests/unit/agent/scripted.h"

static void steps_are_found_by_name(void **state) {
    (void)state;
    const struct platform *dry = platform_find("dry");
    assert_int_equal(swap_index(dry, "prepare"), DRY_PREPARE);
    assert_int_equal(swap_index(dry, "start"), DRY_START);
    /* Of another version: undoing begins with the first. */
    assert_int_equal(swap_index(dry, "of-another-version"), 0);
    assert_int_equal(swap_index(dry, ""), 0);
}

static void the_first_step_that_takes_it_down(void **state) {
    (void)state;
    static const struct platform_step none_down[] = {{.name = "a"}, {.name = "b"}, {.name = NULL}};
    const struct platform patient = {.name = "patient", .steps = none_down};
    assert_int_equal(swap_first_down(platform_find("dry")), DRY_STOP);
    assert_int_equal(swap_first_down(&patient), 2);
}

static void it_goes_back_unless_a_newer_push_came(void **state) {
    struct scripted_case opened;
    const struct outcome back = outcome_back(STAGE_GATE, "on hold");
    (void)scripted_add(0, "dry/site");
    scripted_open(&opened, "dry/site");
    scripted_at(&opened, STAGE_APPLY);
    assert_outcome(swap_turn_back(&scripted.pipeline, &opened.update, &back), VERDICT_BACK,
                   "on hold");
    scripted_push("ghcr.io/brian/site:1.4");
    struct outcome outcome = swap_turn_back(&scripted.pipeline, &opened.update, &back);
    assert_outcome(outcome, VERDICT_DROP, "newer push");
    assert_int_equal(outcome.result, RESULT_SUPERSEDED);
    /* The newer one does not give way to the older one. */
    struct update newer = fixture_find(*state, scripted_update("dry/site"));
    assert_int_not_equal(newer.id, opened.update.id);
    assert_outcome(swap_turn_back(&scripted.pipeline, &newer, &back), VERDICT_BACK, "on hold");
    update_release(&newer);
    scripted_close(&opened);
}

static void other_answers_stay(void **state) {
    (void)state;
    struct scripted_case opened;
    const struct outcome wait = outcome_wait(1000, "no answer");
    (void)scripted_add(0, "dry/site");
    scripted_open(&opened, "dry/site");
    scripted_at(&opened, STAGE_APPLY);
    scripted_push("ghcr.io/brian/site:1.4");
    struct outcome outcome = swap_turn_back(&scripted.pipeline, &opened.update, &wait);
    assert_outcome(outcome, VERDICT_WAIT, "no answer");
    assert_int_equal(outcome.wait_ms, 1000);
    scripted_close(&opened);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, scripted_setup, scripted_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(steps_are_found_by_name),
        TEST(the_first_step_that_takes_it_down),
        TEST(it_goes_back_unless_a_newer_push_came),
        TEST(other_answers_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
