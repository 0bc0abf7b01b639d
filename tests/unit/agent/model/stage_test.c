/* Texts of stages and results: each is read back as itself, and no other text is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/model/result.h"
#include "agent/model/stage.h"

static void every_stage_is_read_back(void **state) {
    (void)state;
    for (enum stage stage = STAGE_POLICY; stage < STAGE_UNKNOWN; stage++) {
        assert_int_equal(stage_parse(stage_text(stage)), stage);
    }
    assert_string_equal(stage_text(STAGE_SETTLE), "settle");
}

static void other_texts_are_no_stage(void **state) {
    (void)state;
    assert_int_equal(stage_parse(NULL), STAGE_UNKNOWN);
    assert_int_equal(stage_parse(""), STAGE_UNKNOWN);
    assert_int_equal(stage_parse("gates"), STAGE_UNKNOWN);
    assert_string_equal(stage_text(STAGE_UNKNOWN), "unknown");
}

/* STAGE_SQL_BEFORE_APPLY decides which updates a newer push supersedes: it must name all stages
 * before `apply`, and no other. */
static void the_sql_lists_agree_with_the_order(void **state) {
    (void)state;
    for (enum stage stage = STAGE_POLICY; stage < STAGE_UNKNOWN; stage++) {
        char quoted[32];
        (void)snprintf(quoted, sizeof quoted, "'%s'", stage_text(stage));
        assert_int_equal(strstr(STAGE_SQL_BEFORE_APPLY, quoted) != NULL, stage < STAGE_APPLY);
    }
    assert_false(stage_applying(STAGE_GATE));
    assert_true(stage_applying(STAGE_APPLY));
    assert_true(stage_applying(STAGE_SETTLE));
    assert_false(stage_applying(STAGE_NOTIFY));
}

static void every_result_is_read_back(void **state) {
    (void)state;
    for (enum result result = RESULT_UPDATED; result < RESULT_COUNT; result++) {
        assert_int_equal(result_parse(result_text(result)), result);
    }
    assert_string_equal(RESULT_SQL_SUPERSEDED, "'superseded'");
    assert_string_equal(result_text(RESULT_SUPERSEDED), "superseded");
}

static void other_texts_are_no_result(void **state) {
    (void)state;
    assert_null(result_text(RESULT_NONE));
    assert_int_equal(result_parse(NULL), RESULT_NONE);
    assert_int_equal(result_parse(""), RESULT_NONE);
    assert_int_equal(result_parse("done"), RESULT_NONE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_stage_is_read_back),
        cmocka_unit_test(other_texts_are_no_stage),
        cmocka_unit_test(the_sql_lists_agree_with_the_order),
        cmocka_unit_test(every_result_is_read_back),
        cmocka_unit_test(other_texts_are_no_result),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
