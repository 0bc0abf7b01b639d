/* Questions about a target: each answer's result, and how long a failure may last. */
#include "agent/pipeline/judge.h"
#include "tests/unit/agent/scripted.h"

#define HOUR_MS (INT64_C(60) * 60 * 1000)

static struct outcome retry(struct scripted_case *opened, int64_t attempts, int64_t limit_ms) {
    struct err err = ERR_INIT;
    (void)err_set(&err, ERR_TRANSIENT, "no answer");
    opened->update.attempts = attempts;
    return judge_retry(&opened->update, &opened->notes, &err, limit_ms);
}

static void a_failure_may_last_until_the_limit(void **state) {
    (void)state;
    struct scripted_case opened;
    (void)scripted_add(0, "dry/site");
    scripted_open(&opened, "dry/site");
    struct outcome outcome = retry(&opened, 0, HOUR_MS);
    assert_outcome(outcome, VERDICT_WAIT, "no answer");
    assert_int_equal(outcome.wait_ms, 2000);
    assert_int_equal(opened.notes.away_ms, fixture_now_ms);
    fixture_now_ms += HOUR_MS;
    outcome = retry(&opened, 40, HOUR_MS);
    assert_outcome(outcome, VERDICT_WAIT, "no answer");
    assert_int_equal(outcome.wait_ms, 5 * 60 * 1000);
    fixture_now_ms += 1;
    outcome = retry(&opened, 41, HOUR_MS);
    assert_outcome(outcome, VERDICT_FAIL, "gave up after");
    assert_outcome(outcome, VERDICT_FAIL, "no answer");
    /* The first of a new row of failures: those before do not count. */
    assert_outcome(retry(&opened, 0, HOUR_MS), VERDICT_WAIT, "no answer");
    scripted_close(&opened);
}

static void each_state_of_a_target_has_its_answer(void **state) {
    (void)state;
    struct target good = fixture_target("dry/site");
    settings_init(&good.settings);
    struct ref image = good.image;
    assert_outcome(judge_target(&image, &good), VERDICT_NEXT, "policy digest");
    struct target target = good;
    fixture_ref("ghcr.io/brian/other:1.4", &target.image);
    struct outcome outcome = judge_target(&image, &target);
    assert_outcome(outcome, VERDICT_DROP, "runs another image now: ghcr.io/brian/other");
    assert_int_equal(outcome.result, RESULT_CANCELLED);
    target = good;
    (void)snprintf(target.problem, sizeof target.problem, "100%%s is wrong");
    assert_outcome(judge_target(&image, &target), VERDICT_FAIL, "left alone: 100%s is wrong");
    target.stopped = true;
    outcome = judge_target(&image, &target);
    assert_outcome(outcome, VERDICT_DROP, "100%s is wrong");
    assert_int_equal(outcome.result, RESULT_UNCHANGED);
    target = good;
    target.enabled = false;
    outcome = judge_target(&image, &target);
    assert_outcome(outcome, VERDICT_DROP, "not opted in");
    assert_int_equal(outcome.result, RESULT_CANCELLED);
    target.image.path[0] = '\0'; /* its image is not known */
    assert_outcome(judge_target(&image, &target), VERDICT_DROP, "not opted in");
    (void)snprintf(image.tag, sizeof image.tag, "1.5");
    outcome = judge_target(&image, &good);
    assert_int_equal(outcome.verdict, VERDICT_DROP);
    assert_int_equal(outcome.result, RESULT_UNCHANGED);
}

static void a_target_is_found_or_the_update_ends(void **state) {
    (void)state;
    struct scripted_case opened;
    struct target found = {0};
    (void)scripted_add(0, "dry/site");
    scripted_open(&opened, "dry/site");
    opened.notes.from[0] = '\0';
    assert_outcome(judge_find(&scripted.pipeline, &opened.update, &opened.notes, &found),
                   VERDICT_NEXT, "policy");
    assert_string_equal(opened.notes.from, FIXTURE_DIGEST("1"));
    scripted.targets[0].enabled = false;
    memcpy(scripted.targets[0].running, FIXTURE_DIGEST("3"), DIGEST_TEXT_SIZE);
    assert_outcome(judge_find(&scripted.pipeline, &opened.update, &opened.notes, &found),
                   VERDICT_DROP, "not opted in");
    assert_string_equal(opened.notes.from, FIXTURE_DIGEST("1")); /* as at the last good look */
    scripted.targets[0].name[0] = '\0';
    struct outcome outcome = judge_find(&scripted.pipeline, &opened.update, &opened.notes, &found);
    assert_outcome(outcome, VERDICT_DROP, "does not exist any more");
    assert_int_equal(outcome.result, RESULT_CANCELLED);
    dry_play(NULL);
    outcome = judge_find(&scripted.pipeline, &opened.update, &opened.notes, &found);
    assert_outcome(outcome, VERDICT_DROP, "not configured any more");
    (void)snprintf(opened.update.target, sizeof opened.update.target, "nomad/site");
    outcome = judge_find(&scripted.pipeline, &opened.update, &opened.notes, &found);
    assert_outcome(outcome, VERDICT_DROP, "not configured any more");
    scripted_close(&opened);
}

static void a_digest_is_new_and_not_refused_here(void **state) {
    struct scripted_case opened;
    struct err err = ERR_INIT;
    (void)scripted_add(0, "dry/site");
    scripted_open(&opened, "dry/site");
    memcpy(opened.notes.from, FIXTURE_DIGEST("1"), sizeof opened.notes.from);
    assert_outcome(judge_digest(&scripted.pipeline, &opened.update, &opened.notes), VERDICT_NEXT,
                   "1.4 is sha256:2222");
    struct update elsewhere = {.id = 7, .to = FIXTURE_DIGEST("2"), .target = "dry/other"};
    assert_true(store_reject(*state, &elsewhere, &err));
    assert_outcome(judge_digest(&scripted.pipeline, &opened.update, &opened.notes), VERDICT_NEXT,
                   "");
    memcpy(opened.update.to, FIXTURE_DIGEST("2"), sizeof opened.update.to);
    assert_true(store_reject(*state, &opened.update, &err));
    struct outcome outcome = judge_digest(&scripted.pipeline, &opened.update, &opened.notes);
    char id[ID_TEXT_SIZE];
    assert_outcome(outcome, VERDICT_DROP, id_text("upd", opened.update.id, id));
    assert_int_equal(outcome.result, RESULT_DENIED);
    memcpy(opened.notes.from, FIXTURE_DIGEST("2"), sizeof opened.notes.from);
    outcome = judge_digest(&scripted.pipeline, &opened.update, &opened.notes);
    assert_int_equal(outcome.result, RESULT_UNCHANGED);
    scripted_close(&opened);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, scripted_setup, scripted_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_failure_may_last_until_the_limit),
        TEST(each_state_of_a_target_has_its_answer),
        TEST(a_target_is_found_or_the_update_ends),
        TEST(a_digest_is_new_and_not_refused_here),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
