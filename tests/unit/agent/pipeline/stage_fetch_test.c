/* The fetch: by the driver, of a target that is still the same; nothing is touched. */
#include "agent/pipeline/stage.h"
#include "tests/unit/agent/scripted.h"

static enum platform_fetched fetched;
static bool fetch_fails;
static int64_t fetch_takes_ms;
static unsigned fetches;

static bool fetch(struct platform_task *task, enum platform_fetched *out, struct err *err) {
    assert_string_equal(task->digest, FIXTURE_DIGEST("2"));
    *out = fetched;
    fetches++;
    fixture_boot_ms += fetch_takes_ms;
    return !fetch_fails || err_set(err, scripted.error, "no space left");
}

static struct outcome run(struct scripted_case *opened) {
    static const struct dry_script script = {
        .list = scripted_list, .find = scripted_find, .check = scripted_check, .fetch = fetch};
    fetched = PLATFORM_FETCHED;
    fetch_fails = false;
    fetch_takes_ms = 0;
    (void)scripted_add(0, "dry/site");
    scripted_open(opened, "dry/site");
    dry_play(&script);
    return stage_fetch(&scripted.pipeline, &opened->update, &opened->notes);
}

static struct outcome again(struct scripted_case *opened) {
    return stage_fetch(&scripted.pipeline, &opened->update, &opened->notes);
}

static void it_goes_on_with_the_bytes(void **state) {
    (void)state;
    struct scripted_case opened;
    assert_outcome(run(&opened), VERDICT_NEXT, "fetched");
    fetched = PLATFORM_SAME;
    struct outcome outcome = again(&opened);
    assert_outcome(outcome, VERDICT_DROP, "already runs that content");
    assert_int_equal(outcome.result, RESULT_UNCHANGED);
    scripted_close(&opened);
}

static void a_fetch_may_fail_for_six_hours(void **state) {
    (void)state;
    struct scripted_case opened;
    (void)run(&opened);
    fetch_fails = true;
    assert_outcome(again(&opened), VERDICT_WAIT, "no space left");
    opened.update.attempts = 9;
    fixture_now_ms += INT64_C(6) * 3600 * 1000;
    assert_outcome(again(&opened), VERDICT_WAIT, "no space left");
    fixture_now_ms += 1;
    assert_outcome(again(&opened), VERDICT_FAIL, "gave up after");
    scripted_close(&opened);
}

static void a_registry_that_sends_nothing_is_left_alone_for_a_while(void **state) {
    (void)state;
    struct scripted_case opened;
    (void)run(&opened);
    fetch_fails = true;
    fetch_takes_ms = 180000;
    fetches = 0;
    struct outcome outcome = again(&opened);
    assert_outcome(outcome, VERDICT_WAIT, "ghcr.io is asked less often");
    assert_int_equal(outcome.wait_ms, 180000);
    assert_int_equal(again(&opened).verdict, VERDICT_WAIT);
    assert_int_equal(fetches, 1);
    fixture_boot_ms += 180000;
    fetch_fails = false;
    assert_int_equal(again(&opened).verdict, VERDICT_NEXT);
    assert_int_equal(fetches, 2);
    scripted_close(&opened);
}

static void a_lasting_failure_touches_nothing(void **state) {
    (void)state;
    struct scripted_case opened;
    (void)run(&opened);
    fetch_fails = true;
    scripted.error = ERR_DENIED;
    assert_outcome(again(&opened), VERDICT_FAIL, "nothing was touched: no space left");
    fetch_fails = false;
    scripted.impossible = true;
    assert_outcome(again(&opened), VERDICT_FAIL, "nothing was touched: it cannot be done");
    scripted.targets[0].enabled = false;
    assert_outcome(again(&opened), VERDICT_DROP, "not opted in");
    scripted_close(&opened);
}

static void only_a_platform_that_fetches_nothing_is_quick(void **state) {
    (void)state;
    struct update update = {.target = "dry/site"};
    assert_false(stage_fetch_quick(&update));
    (void)snprintf(update.target, sizeof update.target, "kubernetes/a/deployment/b/c");
    assert_true(stage_fetch_quick(&update));
    (void)snprintf(update.target, sizeof update.target, "nomad/site");
    assert_false(stage_fetch_quick(&update));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, scripted_setup, scripted_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(it_goes_on_with_the_bytes),
        TEST(a_fetch_may_fail_for_six_hours),
        TEST(a_registry_that_sends_nothing_is_left_alone_for_a_while),
        TEST(a_lasting_failure_touches_nothing),
        TEST(only_a_platform_that_fetches_nothing_is_quick),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
