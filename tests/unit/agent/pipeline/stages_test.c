/* The table of stages: a row for each stage in its order, and one for stages of other versions. */
#include "agent/pipeline/stages.h"
#include "tests/unit/agent/scripted.h"

static void each_stage_has_its_row(void **state) {
    (void)state;
    for (size_t i = 0; i < STAGES_COUNT; i++) {
        const struct stage_row *row = stages_row((enum stage)i);
        assert_int_equal(row->stage, i);
        assert_non_null(row->run);
        assert_non_null(row->question);
        /* A limit counts claims; an exclusive stage is never claimed as one of several. */
        assert_false(row->exclusive && row->at_most);
        assert_true(row->at_most <= row->in_all);
    }
    assert_true(stages_row(STAGE_GATE)->exclusive);
}

static void an_unknown_stage_ends_its_update(void **state) {
    (void)state;
    struct update update = {.id = 7};
    struct notes notes;
    notes_init(&notes);
    struct outcome outcome = stages_row(STAGE_UNKNOWN)->run(&scripted.pipeline, &update, &notes);
    assert_outcome(outcome, VERDICT_FAIL, "does not know the stage");
    assert_int_equal(outcome.result, RESULT_FAILED);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, scripted_setup, scripted_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(each_stage_has_its_row),
        TEST(an_unknown_stage_ends_its_update),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
