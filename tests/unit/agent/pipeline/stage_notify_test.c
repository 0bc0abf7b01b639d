/* The end of an update: updates that waited for it look again. */
#include "agent/pipeline/stage.h"
#include "tests/unit/agent/scripted.h"

static unsigned changes;

static void count_change(void *context) {
    assert_ptr_equal(context, &changes);
    changes++;
}

static void an_end_wakes_the_waiting(void **state) {
    struct scripted_case opened;
    (void)scripted_add(0, "dry/site");
    scripted_open(&opened, "dry/site");
    opened.update.not_before_ms = UPDATE_UNTIL_WOKEN;
    scripted_at(&opened, STAGE_GATE);
    changes = 0;
    scripted.pipeline.changed = count_change;
    scripted.pipeline.context = &changes;
    struct outcome outcome = stage_notify(&scripted.pipeline, &opened.update, &opened.notes);
    assert_int_equal(outcome.verdict, VERDICT_NEXT);
    assert_int_equal(changes, 1);
    struct update stored = fixture_find(*state, opened.update.id);
    assert_true(stored.not_before_ms <= fixture_now_ms);
    update_release(&stored);
    scripted.pipeline.changed = NULL; /* of a single worker */
    (void)stage_notify(&scripted.pipeline, &opened.update, &opened.notes);
    assert_int_equal(changes, 1);
    scripted_close(&opened);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, scripted_setup, scripted_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(an_end_wakes_the_waiting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
