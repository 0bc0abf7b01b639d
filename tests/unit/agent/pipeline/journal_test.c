/* A step is in the store before it runs, or it does not run. */
#include <sqlite3.h>

#include "agent/pipeline/journal.h"
#include "base/json.h"
#include "tests/unit/agent/scripted.h"

static const struct platform_step stop = {.name = "stop", .what = "stop the old one", .down = true};
static const struct platform_step start = {.name = "start", .what = "start the new one"};

/* Every later change of an update fails, as on a full disk. */
static void break_store(void) {
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(fixture_path("landwaiter.db"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db,
                                  "CREATE TRIGGER full BEFORE UPDATE ON updates BEGIN "
                                  "SELECT RAISE(ABORT, 'disk full'); END",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* "stage event detail" of the newest line. */
static const char *last_line(int64_t id) {
    static char text[512];
    CLEANUP(json_release) json_t *history = store_history(scripted.pipeline.store, id);
    const json_t *line = json_array_get(history, json_array_size(history) - 1);
    (void)snprintf(text, sizeof text, "%s %s %s", json_text(line, "stage"),
                   json_text(line, "event"), json_text(line, "detail"));
    return text;
}

static bool write_step(struct scripted_case *opened, const struct platform_step *step, bool needed,
                       struct err *err) {
    const struct journal_entry entry = {.step = step, .needed = needed};
    *err = (struct err)ERR_INIT;
    return journal_step(&scripted.pipeline, &opened->notes, &entry, err);
}

static void open_case(struct scripted_case *opened) {
    (void)scripted_add(0, "dry/site");
    scripted_open(opened, "dry/site");
    scripted_at(opened, STAGE_APPLY);
}

static void a_step_is_stored_with_its_notes(void **state) {
    struct scripted_case opened;
    struct err err;
    open_case(&opened);
    opened.notes.down_ms = 77;
    assert_true(write_step(&opened, &stop, true, &err));
    struct update stored = fixture_find(*state, opened.update.id);
    assert_string_equal(stored.step, "stop");
    assert_int_equal(stored.stage, STAGE_APPLY);
    assert_non_null(strstr(stored.journal, "\"down_ms\":77"));
    assert_string_equal(last_line(stored.id), "apply step stop the old one");
    update_release(&stored);
    opened.update.back = true;
    assert_true(write_step(&opened, &stop, true, &err));
    assert_string_equal(last_line(opened.update.id), "apply undo back: stop the old one");
    scripted_close(&opened);
}

static void attempts_are_those_of_one_step(void **state) {
    (void)state;
    struct scripted_case opened;
    struct err err;
    open_case(&opened);
    assert_true(write_step(&opened, &stop, true, &err));
    opened.update.attempts = 5;
    assert_true(write_step(&opened, &stop, true, &err));
    assert_int_equal(opened.update.attempts, 5);
    assert_true(write_step(&opened, &start, true, &err));
    assert_int_equal(opened.update.attempts, 0);
    scripted_close(&opened);
}

static void an_update_that_was_changed_meanwhile_runs_no_step(void **state) {
    struct scripted_case opened;
    struct err err;
    open_case(&opened);
    struct update other = fixture_find(*state, opened.update.id);
    fixture_save(*state, &other);
    update_release(&other);
    assert_false(write_step(&opened, &stop, false, &err));
    assert_int_equal(err.kind, ERR_TRANSIENT);
    assert_false(write_step(&opened, &stop, true, &err));
    assert_int_equal(err.kind, ERR_TRANSIENT);
    scripted_close(&opened);
}

/* While the target is down it is worse to wait for a full disk than to go on. */
static void a_full_disk_stops_only_steps_that_need_their_entry(void **state) {
    (void)state;
    struct scripted_case opened;
    struct err err;
    open_case(&opened);
    break_store();
    assert_false(write_step(&opened, &stop, true, &err));
    assert_int_not_equal(err.kind, ERR_NONE);
    assert_true(write_step(&opened, &start, false, &err));
    scripted_close(&opened);
}

static void notes_that_cannot_be_stored_run_no_step(void **state) {
    (void)state;
    struct scripted_case opened;
    struct err err;
    open_case(&opened);
    CLEANUP(own_free) char *text = calloc(1, 2 * 1024 * 1024);
    assert_non_null(text);
    memset(text, 'x', 2 * 1024 * 1024 - 1);
    (void)json_object_set_new(opened.notes.driver, "huge", json_string(text));
    assert_false(write_step(&opened, &start, false, &err));
    assert_int_equal(err.kind, ERR_BUG);
    assert_string_equal(opened.update.step, "");
    scripted_close(&opened);
}

static unsigned asked;
static bool replicated;

static bool is_replicated(void *context, struct err *err) {
    assert_ptr_equal(context, &asked);
    asked++;
    return replicated || err_set(err, ERR_TRANSIENT, "not there yet");
}

static void a_step_waits_for_the_other_replicas(void **state) {
    (void)state;
    struct scripted_case opened;
    struct err err;
    open_case(&opened);
    scripted.pipeline.replicated = is_replicated;
    scripted.pipeline.context = &asked;
    asked = 0;
    replicated = false;
    assert_false(write_step(&opened, &start, false, &err));
    assert_string_equal(err.message, "not there yet");
    assert_int_equal(asked, 1);
    replicated = true;
    assert_true(write_step(&opened, &start, false, &err));
    assert_int_equal(asked, 2);
    scripted_close(&opened);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, scripted_setup, scripted_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_step_is_stored_with_its_notes),
        TEST(attempts_are_those_of_one_step),
        TEST(an_update_that_was_changed_meanwhile_runs_no_step),
        TEST(a_full_disk_stops_only_steps_that_need_their_entry),
        TEST(notes_that_cannot_be_stored_run_no_step),
        TEST(a_step_waits_for_the_other_replicas),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
