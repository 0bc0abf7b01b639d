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

static unsigned changes;

static void count_change(void *context) {
    assert_ptr_equal(context, &changes);
    changes++;
}

/* notify, for each update that ends: updates that waited for it look again. */
static void an_end_wakes_the_waiting(void **state) {
    struct scripted_case opened;
    (void)scripted_add(0, "dry/site");
    scripted_open(&opened, "dry/site");
    opened.update.not_before_ms = UPDATE_UNTIL_WOKEN;
    scripted_at(&opened, STAGE_GATE);
    changes = 0;
    scripted.pipeline.changed = count_change;
    scripted.pipeline.context = &changes;
    struct outcome outcome =
        stages_row(STAGE_NOTIFY)->run(&scripted.pipeline, &opened.update, &opened.notes);
    assert_int_equal(outcome.verdict, VERDICT_NEXT);
    assert_int_equal(changes, 1);
    struct update stored = fixture_find(*state, opened.update.id);
    assert_true(stored.not_before_ms <= fixture_now_ms);
    update_release(&stored);
    scripted.pipeline.changed = NULL; /* of a single worker */
    (void)stages_row(STAGE_NOTIFY)->run(&scripted.pipeline, &opened.update, &opened.notes);
    assert_int_equal(changes, 1);
    scripted_close(&opened);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, scripted_setup, scripted_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(each_stage_has_its_row),
        TEST(an_unknown_stage_ends_its_update),
        TEST(an_end_wakes_the_waiting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
