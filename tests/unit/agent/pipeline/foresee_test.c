/* A plan's prediction: the first stage that would not go on, and nothing stored or fetched. */
#include "agent/pipeline/foresee.h"
#include "tests/unit/agent/scripted.h"

/* An update that is not stored, as a plan asks about it. */
static void begin(struct scripted_case *asked) {
    struct target *target = scripted_add(0, "dry/site");
    asked->update = (struct update){.image = target->image, .received_ms = fixture_now_ms};
    (void)snprintf(asked->update.target, sizeof asked->update.target, "dry/site");
    notes_init(&asked->notes);
}

static struct outcome predict(struct scripted_case *asked, bool possible, enum stage *stage) {
    struct foresight foresight = {.target = &scripted.targets[0], .possible = possible};
    struct outcome outcome = foresee(&scripted.pipeline, &asked->update, &asked->notes, &foresight);
    *stage = foresight.stage;
    return outcome;
}

static void assert_predicted(struct scripted_case *asked, enum stage expected,
                             enum verdict verdict) {
    enum stage stage = STAGE_UNKNOWN;
    struct outcome outcome = predict(asked, true, &stage);
    assert_string_equal(stage_text(stage), stage_text(expected));
    assert_int_equal(outcome.verdict, verdict);
}

static void all_that_goes_on_would_be_applied(void **state) {
    (void)state;
    struct scripted_case asked;
    begin(&asked);
    assert_predicted(&asked, STAGE_APPLY, VERDICT_NEXT);
    assert_string_equal(asked.notes.from, FIXTURE_DIGEST("1"));
    assert_string_equal(asked.notes.to, FIXTURE_DIGEST("2"));
    assert_string_equal(asked.notes.instance, "instance-1");
    assert_int_equal(scripted_update("dry/site"), 0); /* nothing is stored */
    assert_string_equal(scripted.calls, "");
    notes_release(&asked.notes);
}

static void each_stage_can_say_no(void **state) {
    struct scripted_case asked;
    struct hold hold = {.target = "dry/site"};
    struct err err = ERR_INIT;
    begin(&asked);
    assert_true(store_hold(*state, &hold, "uid 0", &err));
    assert_predicted(&asked, STAGE_GATE, VERDICT_WAIT);
    scripted.impossible = true;
    assert_predicted(&asked, STAGE_FETCH, VERDICT_FAIL);
    memcpy(scripted.targets[0].running, FIXTURE_DIGEST("2"), DIGEST_TEXT_SIZE);
    assert_predicted(&asked, STAGE_RESOLVE, VERDICT_DROP);
    resolver_forget(scripted.pipeline.resolver);
    scripted.registry_away = true;
    assert_predicted(&asked, STAGE_RESOLVE, VERDICT_WAIT);
    scripted.targets[0].enabled = false;
    assert_predicted(&asked, STAGE_POLICY, VERDICT_DROP);
    notes_release(&asked.notes);
}

/* Several requests: only where somebody wants to know. */
static void the_platform_is_asked_on_request_only(void **state) {
    (void)state;
    struct scripted_case asked;
    enum stage stage = STAGE_UNKNOWN;
    begin(&asked);
    scripted.impossible = true;
    assert_int_equal(predict(&asked, false, &stage).verdict, VERDICT_NEXT);
    assert_int_equal(stage, STAGE_APPLY);
    notes_release(&asked.notes);
}

static void a_gate_that_cannot_be_asked_is_a_wait(void **state) {
    (void)state;
    struct scripted_case asked;
    enum stage stage = STAGE_UNKNOWN;
    begin(&asked);
    scripted.targets[0].settings.min_free_memory = 1;
    scripted.memory_fails = true;
    assert_outcome(predict(&asked, true, &stage), VERDICT_WAIT, "not now");
    assert_int_equal(stage, STAGE_GATE);
    notes_release(&asked.notes);
}

/* An approval that was asked for long ago. */
static void an_expired_approval_would_be_cancelled(void **state) {
    (void)state;
    struct scripted_case asked;
    enum stage stage = STAGE_UNKNOWN;
    begin(&asked);
    scripted.targets[0].settings.approval_required = true;
    assert_outcome(predict(&asked, true, &stage), VERDICT_WAIT, "waits for an approval");
    asked.notes.asked_ms = fixture_now_ms - scripted.targets[0].settings.approval_expires_ms;
    struct outcome outcome = predict(&asked, true, &stage);
    assert_outcome(outcome, VERDICT_DROP, "nobody approved it");
    assert_int_equal(outcome.result, RESULT_CANCELLED);
    assert_int_equal(stage, STAGE_GATE);
    notes_release(&asked.notes);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, scripted_setup, scripted_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(all_that_goes_on_would_be_applied),      TEST(each_stage_can_say_no),
        TEST(the_platform_is_asked_on_request_only),  TEST(a_gate_that_cannot_be_asked_is_a_wait),
        TEST(an_expired_approval_would_be_cancelled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
