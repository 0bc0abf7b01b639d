/* The swap: nothing runs on old facts, and an interrupted one goes on or goes back by how far it
 * came. */
#include "agent/pipeline/stage.h"
#include "tests/unit/agent/scripted.h"

static void open_case(struct scripted_case *opened) {
    (void)scripted_add(0, "dry/site");
    scripted_open(opened, "dry/site");
    scripted_at(opened, STAGE_APPLY);
}

/* An update that was interrupted at that step. */
static void open_interrupted(struct scripted_case *opened, const char *step, bool stopped) {
    open_case(opened);
    (void)snprintf(opened->update.step, sizeof opened->update.step, "%s", step);
    opened->notes.stopped = stopped;
    scripted_at(opened, STAGE_APPLY);
}

static struct outcome apply(struct scripted_case *opened) {
    return stage_apply(&scripted.pipeline, &opened->update, &opened->notes);
}

static void hold_it(void) {
    struct hold hold = {.target = "dry/site", .reason = "guests"};
    struct err err = ERR_INIT;
    assert_true(store_hold(scripted.pipeline.store, &hold, "uid 0", &err));
}

static void all_steps_run_in_order(void **state) {
    struct scripted_case opened;
    open_case(&opened);
    scripted.targets[0].settings.soak_ms = 4321;
    assert_outcome(apply(&opened), VERDICT_NEXT, "swapped");
    assert_string_equal(scripted.calls, "0 1 2 3");
    assert_true(opened.notes.stopped);
    assert_int_equal(opened.notes.down_ms, fixture_now_ms);
    assert_int_equal(opened.notes.settings.soak_ms, 4321);
    struct update stored = fixture_find(*state, opened.update.id);
    assert_string_equal(stored.step, "start");
    update_release(&stored);
    scripted_close(&opened);
}

/* Facts that have changed since the gate: no step runs. */
static void changed_facts_run_no_step(void **state) {
    struct scripted_case opened;
    struct err err = ERR_INIT;
    open_case(&opened);
    memcpy(scripted.targets[0].running, FIXTURE_DIGEST("2"), DIGEST_TEXT_SIZE);
    struct outcome outcome = apply(&opened);
    assert_outcome(outcome, VERDICT_DROP, "already runs");
    assert_int_equal(outcome.result, RESULT_UNCHANGED);
    memcpy(scripted.targets[0].running, FIXTURE_DIGEST("1"), DIGEST_TEXT_SIZE);
    struct update rejected = {.id = 1, .to = FIXTURE_DIGEST("2"), .target = "dry/site"};
    assert_true(store_reject(*state, &rejected, &err));
    outcome = apply(&opened);
    assert_outcome(outcome, VERDICT_DROP, "rolled back here before");
    assert_int_equal(outcome.result, RESULT_DENIED);
    assert_true(store_unreject(*state, "dry/site", FIXTURE_DIGEST("2"), &err));
    scripted.impossible = true;
    assert_outcome(apply(&opened), VERDICT_FAIL, "nothing was touched");
    scripted.impossible = false;
    scripted.away = true;
    assert_outcome(apply(&opened), VERDICT_WAIT, "no answer");
    scripted.away = false;
    scripted.targets[0].name[0] = '\0';
    outcome = apply(&opened);
    assert_outcome(outcome, VERDICT_DROP, "does not exist");
    assert_string_equal(scripted.calls, "");
    assert_false(opened.notes.stopped);
    scripted_close(&opened);
}

static void a_closed_gate_or_an_old_answer_sends_it_back(void **state) {
    struct scripted_case opened;
    struct err err = ERR_INIT;
    open_case(&opened);
    hold_it();
    struct outcome outcome = apply(&opened);
    assert_outcome(outcome, VERDICT_BACK, "on hold: guests");
    assert_int_equal(outcome.back_to, STAGE_GATE);
    assert_true(store_release_hold(*state, "dry/site", "uid 0", &err));
    fixture_now_ms += 61000;
    outcome = apply(&opened);
    assert_outcome(outcome, VERDICT_BACK, "asked again");
    assert_int_equal(outcome.back_to, STAGE_POLICY);
    assert_string_equal(scripted.calls, "");
    /* Nothing could supersede it while it was being applied. */
    scripted_push("ghcr.io/brian/site:1.4");
    outcome = apply(&opened);
    assert_outcome(outcome, VERDICT_DROP, "newer push");
    scripted_close(&opened);
}

static void a_gate_that_cannot_be_asked_is_asked_again(void **state) {
    (void)state;
    struct scripted_case opened;
    open_case(&opened);
    scripted.targets[0].settings.min_free_memory = 1;
    scripted.memory_fails = true;
    assert_outcome(apply(&opened), VERDICT_WAIT, "not now");
    assert_string_equal(scripted.calls, "");
    scripted_close(&opened);
}

static void a_step_is_tried_a_minute_and_then_undone(void **state) {
    (void)state;
    struct scripted_case opened;
    open_case(&opened);
    scripted.step_fails = true;
    struct outcome outcome = apply(&opened);
    assert_outcome(outcome, VERDICT_WAIT, "not now");
    assert_true(outcome.attempt);
    assert_string_equal(opened.update.step, "start");
    opened.update.attempts = 7;
    assert_outcome(apply(&opened), VERDICT_WAIT, "not now");
    opened.update.attempts = 8;
    assert_outcome(apply(&opened), VERDICT_UNDO, "could not start the new one: not now");
    scripted_close(&opened);
}

static void a_lasting_failure_is_undone_at_once(void **state) {
    (void)state;
    struct scripted_case opened;
    open_case(&opened);
    scripted.step_fails = true;
    scripted.failing_step = DRY_CREATE;
    scripted.error = ERR_INVALID;
    assert_outcome(apply(&opened), VERDICT_UNDO, "could not create the new one: not now");
    assert_string_equal(scripted.calls, "0 1");
    assert_false(opened.notes.stopped);
    assert_int_equal(opened.notes.down_ms, 0);
    scripted_close(&opened);
}

/* The old version still runs: waiting for the next window costs nothing. */
static void before_the_stop_an_interrupted_one_goes_back(void **state) {
    (void)state;
    struct scripted_case opened;
    open_interrupted(&opened, "create", false);
    hold_it();
    assert_outcome(apply(&opened), VERDICT_UNDO, "on hold: guests");
    assert_int_equal(opened.notes.return_to, STAGE_GATE);
    assert_string_equal(scripted.calls, "");
    scripted_close(&opened);
}

static void before_the_stop_an_old_answer_goes_back_to_the_policy(void **state) {
    (void)state;
    struct scripted_case opened;
    open_interrupted(&opened, "create", false);
    fixture_now_ms += 61000;
    assert_outcome(apply(&opened), VERDICT_UNDO, "asked again");
    assert_int_equal(opened.notes.return_to, STAGE_POLICY);
    scripted_close(&opened);
}

static void before_the_stop_it_waits_for_an_engine_that_is_away(void **state) {
    (void)state;
    struct scripted_case opened;
    open_interrupted(&opened, "create", false);
    scripted.away = true;
    assert_outcome(apply(&opened), VERDICT_WAIT, "no answer");
    assert_string_equal(scripted.calls, "");
    assert_int_equal(opened.notes.return_to, STAGE_UNKNOWN);
    /* One that is gone: the steps tell. */
    scripted.away = false;
    scripted.targets[0].name[0] = '\0';
    assert_outcome(apply(&opened), VERDICT_NEXT, "swapped");
    assert_string_equal(scripted.calls, "1 2 3");
    scripted_close(&opened);
}

/* The old version is down: no hold and no window leaves it there. */
static void after_the_stop_an_interrupted_one_goes_on(void **state) {
    (void)state;
    struct scripted_case opened;
    open_interrupted(&opened, "start", true);
    hold_it();
    scripted.away = true;
    fixture_now_ms += 3600000;
    assert_outcome(apply(&opened), VERDICT_NEXT, "swapped");
    /* From the first step that takes it down: an engine may have started the old one again. */
    assert_string_equal(scripted.calls, "2 3");
    scripted_close(&opened);
}

static void the_time_of_the_stop_is_the_first_one(void **state) {
    (void)state;
    struct scripted_case opened;
    open_interrupted(&opened, "stop", true);
    opened.notes.down_ms = 5;
    assert_outcome(apply(&opened), VERDICT_NEXT, "swapped");
    assert_int_equal(opened.notes.down_ms, 5);
    scripted_close(&opened);
}

static void an_update_that_was_changed_runs_no_step(void **state) {
    struct scripted_case opened;
    open_case(&opened);
    struct update other = fixture_find(*state, opened.update.id);
    fixture_save(*state, &other);
    update_release(&other);
    assert_outcome(apply(&opened), VERDICT_WAIT, "was changed");
    assert_string_equal(scripted.calls, "");
    scripted_close(&opened);
}

static bool never_replicated(void *context, struct err *err) {
    (void)context;
    return err_set(err, ERR_TRANSIENT, "the other replicas do not have it");
}

static void steps_wait_for_the_other_replicas(void **state) {
    (void)state;
    struct scripted_case opened;
    open_interrupted(&opened, "start", true);
    scripted.pipeline.replicated = never_replicated;
    assert_outcome(apply(&opened), VERDICT_WAIT, "the other replicas");
    assert_string_equal(scripted.calls, "");
    scripted_close(&opened);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, scripted_setup, scripted_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(all_steps_run_in_order),
        TEST(changed_facts_run_no_step),
        TEST(a_closed_gate_or_an_old_answer_sends_it_back),
        TEST(a_gate_that_cannot_be_asked_is_asked_again),
        TEST(a_step_is_tried_a_minute_and_then_undone),
        TEST(a_lasting_failure_is_undone_at_once),
        TEST(before_the_stop_an_interrupted_one_goes_back),
        TEST(before_the_stop_an_old_answer_goes_back_to_the_policy),
        TEST(before_the_stop_it_waits_for_an_engine_that_is_away),
        TEST(after_the_stop_an_interrupted_one_goes_on),
        TEST(the_time_of_the_stop_is_the_first_one),
        TEST(an_update_that_was_changed_runs_no_step),
        TEST(steps_wait_for_the_other_replicas),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
