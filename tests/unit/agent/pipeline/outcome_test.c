/* A stage's answers: their results, their reasons' limit, and the delays between attempts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/pipeline/outcome.h"

static const struct outcome_backoff backoff = {.first_ms = 500, .most_ms = 30000};

static int64_t delay_of(int64_t attempts, int64_t retry_after_ms) {
    struct update update = {.attempts = attempts};
    struct err err = ERR_INIT;
    (void)err_set(&err, ERR_TRANSIENT, "no answer");
    err.retry_after_ms = retry_after_ms;
    struct outcome outcome = outcome_again(&update, &backoff, &err);
    assert_int_equal(outcome.verdict, VERDICT_WAIT);
    assert_true(outcome.attempt);
    assert_string_equal(outcome.reason, "no answer");
    assert_int_equal(outcome.until_ms, 0);
    return outcome.wait_ms;
}

static void delays_double_up_to_the_limit(void **state) {
    (void)state;
    assert_int_equal(delay_of(0, 0), 500);
    assert_int_equal(delay_of(1, 0), 1000);
    assert_int_equal(delay_of(5, 0), 16000);
    assert_int_equal(delay_of(6, 0), 30000);
    for (int64_t attempts = 7; attempts < 70; attempts++) {
        assert_int_equal(delay_of(attempts, 0), 30000);
    }
    assert_int_equal(delay_of(INT64_MAX, 0), 30000);
}

static void a_delay_that_was_asked_for_is_kept(void **state) {
    (void)state;
    assert_int_equal(delay_of(0, 499), 500);
    assert_int_equal(delay_of(0, 7000), 7000);
    assert_int_equal(delay_of(20, 3600000), 3600000);
}

static void each_answer_has_its_verdict(void **state) {
    (void)state;
    struct outcome next = outcome_next("%s", "fine");
    assert_int_equal(next.verdict, VERDICT_NEXT);
    assert_int_equal(next.result, RESULT_NONE);
    assert_string_equal(next.reason, "fine");
    struct outcome wait = outcome_wait(OUTCOME_UNTIL_WOKEN, "%d", 7);
    assert_int_equal(wait.verdict, VERDICT_WAIT);
    assert_true(wait.wait_ms == OUTCOME_UNTIL_WOKEN);
    assert_false(wait.attempt);
    assert_false(wait.yields);
    struct outcome back = outcome_back(STAGE_GATE, "back");
    assert_int_equal(back.verdict, VERDICT_BACK);
    assert_int_equal(back.back_to, STAGE_GATE);
    struct outcome drop = outcome_drop(RESULT_SUPERSEDED, "newer");
    assert_int_equal(drop.verdict, VERDICT_DROP);
    assert_int_equal(drop.result, RESULT_SUPERSEDED);
    struct outcome failed = outcome_fail("bad");
    assert_int_equal(failed.verdict, VERDICT_FAIL);
    assert_int_equal(failed.result, RESULT_FAILED);
    struct outcome undo = outcome_undo("sick");
    assert_int_equal(undo.verdict, VERDICT_UNDO);
    assert_int_equal(undo.result, RESULT_NONE);
    assert_string_equal(undo.reason, "sick");
}

static void long_reasons_are_cut(void **state) {
    (void)state;
    char text[2 * REASON_SIZE];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    struct outcome outcome = outcome_fail("%s", text);
    assert_int_equal(strlen(outcome.reason), REASON_SIZE - 1);
    outcome = outcome_drop(RESULT_DENIED, "%s", text);
    assert_int_equal(strlen(outcome.reason), REASON_SIZE - 1);
}

/* A registry's error text is no format. */
static void a_message_is_no_format(void **state) {
    (void)state;
    struct update update = {.attempts = 0};
    struct err err = ERR_INIT;
    (void)err_set(&err, ERR_TRANSIENT, "%s", "100%s%n");
    struct outcome outcome = outcome_again(&update, &backoff, &err);
    assert_string_equal(outcome.reason, "100%s%n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(delays_double_up_to_the_limit),
        cmocka_unit_test(a_delay_that_was_asked_for_is_kept),
        cmocka_unit_test(each_answer_has_its_verdict),
        cmocka_unit_test(long_reasons_are_cut),
        cmocka_unit_test(a_message_is_no_format),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
