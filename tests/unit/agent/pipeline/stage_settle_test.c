/* The end of a swap: kept, or put back step by step, as far as it goes. */
#include "agent/pipeline/stage.h"
#include "base/json.h"
#include "tests/unit/agent/scripted.h"

/* An update that undoes the steps up to that one. */
static void open_undoing(struct scripted_case *opened, const char *step) {
    (void)scripted_add(0, "dry/site");
    scripted_open(opened, "dry/site");
    opened->update.back = true;
    (void)snprintf(opened->update.step, sizeof opened->update.step, "%s", step);
    (void)snprintf(opened->notes.why, sizeof opened->notes.why, "exited with code 3");
    opened->notes.stopped = true;
    scripted_at(opened, STAGE_SETTLE);
}

static struct outcome settle(struct scripted_case *opened) {
    return stage_settle(&scripted.pipeline, &opened->update, &opened->notes);
}

static bool rejected(const struct scripted_case *opened) {
    int64_t which = 0;
    return store_rejected(scripted.pipeline.store, opened->update.target, opened->notes.to, &which);
}

static void open_committing(struct scripted_case *opened) {
    (void)scripted_add(0, "dry/site");
    scripted_open(opened, "dry/site");
    scripted_at(opened, STAGE_SETTLE);
}

static void a_healthy_one_is_kept(void **state) {
    (void)state;
    struct scripted_case opened;
    open_committing(&opened);
    (void)snprintf(opened.notes.good, sizeof opened.notes.good, "healthy after 4.1 s");
    struct outcome outcome = settle(&opened);
    assert_outcome(outcome, VERDICT_NEXT, "healthy after 4.1 s");
    assert_int_equal(outcome.result, RESULT_UPDATED);
    assert_string_equal(scripted.calls, "");
    scripted_close(&opened);
}

/* The new version runs: leftovers of the old one are no failure. */
static void a_commit_is_tried_again_and_its_leftovers_forgiven(void **state) {
    (void)state;
    struct scripted_case opened;
    open_committing(&opened);
    scripted.commit_fails = true;
    struct outcome outcome = settle(&opened);
    assert_outcome(outcome, VERDICT_WAIT, "not now");
    assert_true(outcome.attempt);
    scripted.error = ERR_DENIED;
    outcome = settle(&opened);
    assert_outcome(outcome, VERDICT_NEXT, "updated");
    assert_int_equal(outcome.result, RESULT_UPDATED);
    scripted_close(&opened);
}

static void a_sick_one_without_rollback_fails(void **state) {
    (void)state;
    struct scripted_case opened;
    open_committing(&opened);
    (void)snprintf(opened.notes.why, sizeof opened.notes.why, "exited with code 3");
    struct outcome outcome = settle(&opened);
    assert_outcome(outcome, VERDICT_FAIL, "exited with code 3; rollback is off");
    assert_int_equal(outcome.result, RESULT_FAILED);
    scripted_close(&opened);
}

static void steps_are_undone_backwards_and_the_digest_refused(void **state) {
    (void)state;
    struct scripted_case opened;
    open_undoing(&opened, "start");
    struct outcome outcome = settle(&opened);
    assert_outcome(outcome, VERDICT_FAIL, "exited with code 3");
    assert_int_equal(outcome.result, RESULT_ROLLED_BACK);
    assert_string_equal(scripted.calls, "-3 -2 -1 -0");
    assert_true(rejected(&opened));
    scripted_close(&opened);
}

/* An image that never ran may be tried again. */
static void one_that_never_stopped_is_not_refused(void **state) {
    (void)state;
    struct scripted_case opened;
    open_undoing(&opened, "create");
    opened.notes.stopped = false;
    struct outcome outcome = settle(&opened);
    assert_outcome(outcome, VERDICT_FAIL, "exited with code 3");
    assert_int_equal(outcome.result, RESULT_FAILED);
    assert_string_equal(scripted.calls, "-1 -0");
    assert_false(rejected(&opened));
    scripted_close(&opened);
}

/* A restart in the middle begins with the step whose undoing was stored. */
static void an_undo_goes_on_where_it_was(void **state) {
    struct scripted_case opened;
    open_undoing(&opened, "start");
    scripted.undo_fails = true;
    scripted.failing_step = DRY_STOP;
    assert_outcome(settle(&opened), VERDICT_WAIT, "not now");
    assert_string_equal(scripted.calls, "-3 -2");
    assert_false(rejected(&opened));
    struct update stored = fixture_find(*state, opened.update.id);
    assert_string_equal(stored.step, "stop");
    update_release(&stored);
    scripted.undo_fails = false;
    struct outcome outcome = settle(&opened);
    assert_int_equal(outcome.result, RESULT_ROLLED_BACK);
    assert_string_equal(scripted.calls, "-3 -2 -2 -1 -0");
    scripted_close(&opened);
}

static void a_step_that_cannot_be_undone_stops_no_other(void **state) {
    (void)state;
    struct scripted_case opened;
    open_undoing(&opened, "start");
    scripted.undo_fails = true;
    scripted.failing_step = DRY_STOP;
    scripted.error = ERR_INVALID;
    opened.notes.return_to = STAGE_GATE; /* not with half a swap */
    struct outcome outcome = settle(&opened);
    assert_outcome(outcome, VERDICT_FAIL, "exited with code 3; and not all could be put back");
    assert_int_equal(outcome.result, RESULT_FAILED);
    assert_string_equal(scripted.calls, "-3 -2 -1 -0");
    assert_string_equal(opened.notes.problem, "not now");
    scripted_close(&opened);
}

static void one_that_somebody_else_changed_first_has_their_result(void **state) {
    (void)state;
    struct scripted_case opened;
    open_undoing(&opened, "stop");
    (void)json_object_set_new(opened.notes.driver, PLATFORM_UNTOUCHED, json_string("cancelled"));
    struct outcome outcome = settle(&opened);
    assert_outcome(outcome, VERDICT_FAIL, "exited with code 3");
    assert_int_equal(outcome.result, RESULT_CANCELLED);
    assert_false(rejected(&opened));
    scripted_close(&opened);
}

static void an_interrupted_one_begins_again(void **state) {
    (void)state;
    struct scripted_case opened;
    open_undoing(&opened, "create");
    opened.notes.stopped = false;
    opened.notes.return_to = STAGE_GATE;
    struct outcome outcome = settle(&opened);
    assert_outcome(outcome, VERDICT_BACK, "exited with code 3");
    assert_int_equal(outcome.back_to, STAGE_GATE);
    assert_int_equal(opened.notes.return_to, STAGE_UNKNOWN);
    assert_string_equal(opened.notes.why, "");
    assert_false(rejected(&opened));
    scripted_close(&opened);
}

static void an_interrupted_one_gives_way_to_a_newer_push(void **state) {
    (void)state;
    struct scripted_case opened;
    open_undoing(&opened, "create");
    opened.notes.stopped = false;
    opened.notes.return_to = STAGE_GATE;
    scripted_push("ghcr.io/brian/site:1.4");
    struct outcome outcome = settle(&opened);
    assert_outcome(outcome, VERDICT_DROP, "newer push");
    assert_int_equal(outcome.result, RESULT_SUPERSEDED);
    scripted_close(&opened);
}

/* Nothing is undone before the store says so. */
static void an_update_that_was_changed_undoes_nothing(void **state) {
    struct scripted_case opened;
    open_undoing(&opened, "start");
    struct update other = fixture_find(*state, opened.update.id);
    fixture_save(*state, &other);
    update_release(&other);
    assert_outcome(settle(&opened), VERDICT_WAIT, "was changed");
    assert_string_equal(scripted.calls, "");
    scripted_close(&opened);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, scripted_setup, scripted_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_healthy_one_is_kept),
        TEST(a_commit_is_tried_again_and_its_leftovers_forgiven),
        TEST(a_sick_one_without_rollback_fails),
        TEST(steps_are_undone_backwards_and_the_digest_refused),
        TEST(one_that_never_stopped_is_not_refused),
        TEST(an_undo_goes_on_where_it_was),
        TEST(a_step_that_cannot_be_undone_stops_no_other),
        TEST(one_that_somebody_else_changed_first_has_their_result),
        TEST(an_interrupted_one_begins_again),
        TEST(an_interrupted_one_gives_way_to_a_newer_push),
        TEST(an_update_that_was_changed_undoes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
