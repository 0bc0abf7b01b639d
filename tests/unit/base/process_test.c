/* Helper programs: their input, their ends, and their limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/process.h"

static char shell[] = "sh";
static char option[] = "-c";

static bool run(char *script, struct process_answer *answer, struct err *err) {
    char variable[] = "WORD=two";
    char path[] = "PATH=/usr/bin:/bin";
    char *const argv[] = {shell, option, script, NULL};
    char *const environment[] = {variable, path, NULL};
    const struct process_order order = {
        .argv = argv, .environment = environment, .input = "one", .timeout_ms = 10000};
    return process_run(&order, answer, err);
}

static void what_it_is_given(void **state) {
    (void)state;
    char script[] = "echo $(cat)-$WORD-$HOME; echo loud >&2; exit 3";
    struct err err = ERR_INIT;
    CLEANUP(process_answer_wipe) struct process_answer answer = PROCESS_ANSWER_INIT(64);
    assert_true(run(script, &answer, &err));
    assert_string_equal(buf_text(&answer.output), "one-two-\n");
    assert_int_equal(answer.status, 3);
}

static void how_it_ends(void **state) {
    (void)state;
    char dies[] = "kill -9 $$";
    char floods[] = "while :; do echo 0123456789; done";
    struct err err = ERR_INIT;
    CLEANUP(process_answer_wipe) struct process_answer first = PROCESS_ANSWER_INIT(64);
    CLEANUP(process_answer_wipe) struct process_answer second = PROCESS_ANSWER_INIT(64);
    assert_true(run(dies, &first, &err));
    assert_int_equal(first.status, -1);
    assert_false(run(floods, &second, &err));
    assert_int_equal(err.kind, ERR_INVALID);
    assert_string_equal(err.message, "says too much");
}

static void what_cannot_be(void **state) {
    (void)state;
    char missing[] = "/no/such/program";
    char *const argv[] = {missing, NULL};
    struct err err = ERR_INIT;
    CLEANUP(process_answer_wipe) struct process_answer answer = PROCESS_ANSWER_INIT(64);
    const struct process_order order = {.argv = argv, .input = "", .timeout_ms = 1000};
    assert_false(process_run(&order, &answer, &err));
    assert_int_equal(err.kind, ERR_INVALID);
    char needs[] = "exec no-such-program";
    CLEANUP(process_answer_wipe) struct process_answer none = PROCESS_ANSWER_INIT(64);
    err = (struct err)ERR_INIT;
    assert_false(run(needs, &none, &err));
    assert_int_equal(err.kind, ERR_INVALID);
    assert_string_equal(err.message, "cannot be started: not found");
    char waits[] = "sleep 60";
    char *const slow[] = {shell, option, waits, NULL};
    const struct process_order late = {.argv = slow, .input = "", .timeout_ms = 100};
    assert_false(process_run(&late, &answer, &err));
    assert_int_equal(err.kind, ERR_TRANSIENT);
    assert_string_equal(err.message, "did not answer in 0.1 s");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_it_is_given),
        cmocka_unit_test(how_it_ends),
        cmocka_unit_test(what_cannot_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
