/* A task for a driver: the update's own facts, over the settings of its beginning. */
#include "agent/pipeline/task.h"
#include "tests/unit/agent/scripted.h"

static void it_carries_the_facts_of_the_notes(void **state) {
    (void)state;
    struct scripted_case opened;
    struct settings settings;
    struct task task;
    (void)scripted_add(0, "dry/site");
    scripted_configure("{defaults: {health: {soak: 7s}}}");
    scripted_open(&opened, "dry/site");
    task_begin(&scripted.pipeline, &opened.update, &opened.notes, &task);
    char id[ID_TEXT_SIZE];
    assert_string_equal(task.task.update, id_text("upd", opened.update.id, id));
    assert_string_equal(task.task.target, "dry/site");
    assert_string_equal(task.task.digest, FIXTURE_DIGEST("2"));
    assert_string_equal(task.task.image.tag, "1.4");
    assert_string_equal(task.task.instance, "instance-1");
    assert_string_equal(task.task.by, "");
    assert_ptr_equal(task.task.journal, opened.notes.driver);
    assert_int_equal(task.task.settings.soak_ms, 7000);
    settings_init(&settings);
    settings.soak_ms = 5;
    notes_keep_settings(&opened.notes, &settings);
    task_begin(&scripted.pipeline, &opened.update, &opened.notes, &task);
    assert_int_equal(task.task.settings.soak_ms, 5);
    scripted_close(&opened);
}

static void only_an_undo_has_a_reason(void **state) {
    (void)state;
    struct scripted_case opened;
    struct task task;
    (void)scripted_add(0, "dry/site");
    scripted_open(&opened, "dry/site");
    (void)snprintf(opened.notes.why, sizeof opened.notes.why, "exited with code 3");
    task_begin(&scripted.pipeline, &opened.update, &opened.notes, &task);
    assert_null(task.task.why);
    opened.update.back = true;
    task_begin(&scripted.pipeline, &opened.update, &opened.notes, &task);
    assert_string_equal(task.task.why, "exited with code 3");
    opened.notes.why[0] = '\0';
    task_begin(&scripted.pipeline, &opened.update, &opened.notes, &task);
    assert_null(task.task.why);
    scripted_close(&opened);
}

static void a_step_names_the_sender(void **state) {
    (void)state;
    struct scripted_case opened;
    struct task task;
    (void)scripted_add(0, "dry/site");
    scripted_open(&opened, "dry/site");
    task_begin_step(&scripted.pipeline, &opened.update, &opened.notes, &task);
    assert_string_equal(task.task.by, "sender ci");
    opened.update.push = 1; /* pruned */
    task_begin_step(&scripted.pipeline, &opened.update, &opened.notes, &task);
    assert_string_equal(task.task.by, "");
    scripted_close(&opened);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, scripted_setup, scripted_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(it_carries_the_facts_of_the_notes),
        TEST(only_an_undo_has_a_reason),
        TEST(a_step_names_the_sender),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
