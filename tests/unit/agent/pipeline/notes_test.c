/* Notes in an update's row and back: nothing gets lost, and no journal that cannot be read becomes
 * an empty one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/pipeline/notes.h"
#include "base/json.h"

#define TO "sha256:2222222222222222222222222222222222222222222222222222222222222222"

static void order(struct notes *notes, const struct settings *settings) {
    const struct target target = {.settings = *settings};
    notes_order(notes, &target);
}

static struct update with_journal(const char *text) {
    return (struct update){.id = 7, .journal = text ? strdup(text) : NULL};
}

static struct notes load(const char *text) {
    struct update update = with_journal(text);
    struct notes notes;
    struct err err = ERR_INIT;
    if (!notes_load(&update, &notes, &err)) {
        fail_msg("%s: %s", text, err.message);
    }
    update_release(&update);
    return notes;
}

static void put(char *out, size_t size, const char *text) {
    (void)snprintf(out, size, "%s", text);
}

static struct notes full_notes(void) {
    struct notes notes;
    struct settings settings;
    struct err err = ERR_INIT;
    settings_init(&settings);
    settings.health_timeout_ms = 1001;
    settings.soak_ms = 1002;
    settings.stop_timeout_ms = 1003;
    settings.rollback = false;
    settings.sources[SETTINGS_SOAK].written = true;
    put(settings.group, sizeof settings.group, "web");
    assert_true(settings_set(&settings, SETTINGS_DEPENDS_ON, "db,cache", &err));
    notes_init(&notes);
    notes.resolved_ms = 11;
    notes.away_ms = 12;
    notes.asked_ms = 13;
    notes.down_ms = 14;
    notes.stopped = true;
    notes.return_to = STAGE_GATE;
    put(notes.instance, sizeof notes.instance, "instance-1");
    put(notes.to, sizeof notes.to, TO);
    put(notes.asked_for, sizeof notes.asked_for, TO);
    put(notes.good, sizeof notes.good, "healthy");
    put(notes.why, sizeof notes.why, "exited: \"\\\n\" \xe2\x82\xac");
    put(notes.problem, sizeof notes.problem, "no space");
    notes.driver = json_pack("{s{ss}}", "old", "name", "site");
    notes_keep_settings(&notes, &settings);
    order(&notes, &settings);
    return notes;
}

static void assert_same(const struct notes *a, const struct notes *b) {
    assert_int_equal(a->resolved_ms, b->resolved_ms);
    assert_int_equal(a->away_ms, b->away_ms);
    assert_int_equal(a->asked_ms, b->asked_ms);
    assert_int_equal(a->down_ms, b->down_ms);
    assert_int_equal(a->stopped, b->stopped);
    assert_int_equal(a->return_to, b->return_to);
    assert_string_equal(a->instance, b->instance);
    assert_string_equal(a->from, b->from);
    assert_string_equal(a->to, b->to);
    assert_string_equal(a->asked_for, b->asked_for);
    assert_string_equal(a->good, b->good);
    assert_string_equal(a->why, b->why);
    assert_string_equal(a->problem, b->problem);
    assert_true(json_equal(a->driver, b->driver));
    assert_int_equal(a->settings.kept, b->settings.kept);
    assert_int_equal(a->settings.health_timeout_ms, b->settings.health_timeout_ms);
    assert_int_equal(a->settings.soak_ms, b->settings.soak_ms);
    assert_int_equal(a->settings.stop_timeout_ms, b->settings.stop_timeout_ms);
    assert_int_equal(a->settings.rollback, b->settings.rollback);
    assert_memory_equal(a->settings.written, b->settings.written, sizeof a->settings.written);
    assert_int_equal(a->order.known, b->order.known);
    assert_string_equal(a->order.group, b->order.group);
    assert_string_equal(a->order.depends_on, b->order.depends_on);
}

static void everything_comes_back(void **state) {
    (void)state;
    struct notes notes = full_notes();
    struct update update = {.id = 7};
    struct notes again;
    struct err err = ERR_INIT;
    assert_true(notes_save(&notes, &update, &err));
    assert_true(notes_load(&update, &again, &err));
    assert_same(&notes, &again);
    /* A second save replaces the first. */
    put(notes.good, sizeof notes.good, "");
    assert_true(notes_save(&notes, &update, &err));
    notes_release(&again);
    assert_true(notes_load(&update, &again, &err));
    assert_string_equal(again.good, "");
    assert_same(&notes, &again);
    notes_release(&notes);
    notes_release(&again);
    update_release(&update);
}

static void a_new_one_is_empty(void **state) {
    (void)state;
    struct notes notes = load(NULL);
    assert_int_equal(notes.return_to, STAGE_UNKNOWN);
    assert_false(notes.stopped);
    assert_false(notes.settings.kept);
    assert_true(json_is_object(notes.driver));
    struct update update = {.id = 7};
    struct err err = ERR_INIT;
    assert_true(notes_save(&notes, &update, &err));
    assert_string_equal(update.journal, "{}");
    notes_release(&notes);
    update_release(&update);
}

static void a_broken_journal_is_a_fault(void **state) {
    (void)state;
    static const char *const broken[] = {"",  "[",   "[]",       "\"text\"",
                                         "7", "{,}", "{\"a\":}", "{\"good\":\"\xff\"}"};
    for (size_t i = 0; i < ARRAY_LENGTH(broken); i++) {
        struct update update = with_journal(broken[i]);
        struct notes notes;
        notes_init(&notes);
        notes.resolved_ms = 5;
        struct err err = ERR_INIT;
        if (notes_load(&update, &notes, &err)) {
            fail_msg("read: %s", broken[i]);
        }
        assert_int_equal(err.kind, ERR_INVALID);
        assert_non_null(strstr(err.message, "journal"));
        assert_int_equal(notes.resolved_ms, 5); /* untouched */
        update_release(&update);
    }
}

static void members_of_a_wrong_type_are_ignored(void **state) {
    (void)state;
    struct notes notes = load("{\"resolved\":\"x\",\"stopped\":1,\"return\":\"nowhere\",\"good\":5,"
                              "\"settings\":[],\"driver\":[],\"why\":\"kept\"}");
    assert_int_equal(notes.resolved_ms, 0);
    assert_false(notes.stopped);
    assert_int_equal(notes.return_to, STAGE_UNKNOWN);
    assert_string_equal(notes.good, "");
    assert_false(notes.settings.kept);
    assert_true(json_is_object(notes.driver));
    assert_string_equal(notes.why, "kept");
    notes_release(&notes);
}

/* Settings of another version: built-in values stand for those that are not there. */
static void missing_settings_are_the_built_in_ones(void **state) {
    (void)state;
    struct settings usual;
    struct settings now;
    settings_init(&usual);
    now = usual;
    struct notes notes =
        load("{\"settings\":{\"soak\":5,\"written\":[\"soak\",\"of-another-version\",7]}}");
    notes_kept_settings(&notes, &now);
    assert_int_equal(now.soak_ms, 5);
    assert_int_equal(now.health_timeout_ms, usual.health_timeout_ms);
    assert_int_equal(now.stop_timeout_ms, usual.stop_timeout_ms);
    assert_true(now.rollback);
    assert_true(now.sources[SETTINGS_SOAK].written);
    assert_false(now.sources[SETTINGS_ROLLBACK].written);
    notes_release(&notes);
}

/* Labels may change while an update is applied: those of its beginning count. */
static void kept_settings_win_over_present_ones(void **state) {
    (void)state;
    struct settings now;
    struct notes notes = full_notes();
    settings_init(&now);
    now.sources[SETTINGS_ROLLBACK].written = true;
    put(now.group, sizeof now.group, "other");
    notes_kept_settings(&notes, &now);
    assert_int_equal(now.health_timeout_ms, 1001);
    assert_int_equal(now.soak_ms, 1002);
    assert_int_equal(now.stop_timeout_ms, 1003);
    assert_false(now.rollback);
    assert_false(now.sources[SETTINGS_ROLLBACK].written);
    assert_string_equal(now.group, "other");
    notes_undone(&notes);
    settings_init(&now);
    notes_kept_settings(&notes, &now);
    assert_true(now.rollback);
    notes_release(&notes);
}

static void too_large_a_journal_leaves_the_row_alone(void **state) {
    (void)state;
    struct notes notes;
    struct update update = with_journal("{\"good\":\"before\"}");
    struct err err = ERR_INIT;
    char *text = malloc(2 * 1024 * 1024);
    assert_non_null(text);
    memset(text, 'x', 2 * 1024 * 1024 - 1);
    text[2 * 1024 * 1024 - 1] = '\0';
    notes_init(&notes);
    notes.driver = json_pack("{ss}", "huge", text);
    put(notes.to, sizeof notes.to, TO);
    assert_false(notes_save(&notes, &update, &err));
    assert_int_equal(err.kind, ERR_BUG);
    assert_string_equal(update.journal, "{\"good\":\"before\"}");
    assert_string_equal(update.to, "");
    free(text);
    notes_release(&notes);
    update_release(&update);
}

static void the_order_tells_of_changes(void **state) {
    (void)state;
    struct settings settings;
    struct notes notes;
    struct err err = ERR_INIT;
    settings_init(&settings);
    notes_init(&notes);
    put(settings.group, sizeof settings.group, "web");
    order(&notes, &settings);
    assert_true(notes.order.known);
    assert_null(notes.order.depends_on);
    assert_false(notes.reordered); /* nobody knew it before */
    order(&notes, &settings);
    assert_false(notes.reordered);
    assert_true(settings_set(&settings, SETTINGS_DEPENDS_ON, "db,cache", &err));
    order(&notes, &settings);
    assert_string_equal(notes.order.depends_on, "db,cache");
    assert_true(notes.reordered);
    notes.reordered = false;
    settings.depends_on.count = 0;
    order(&notes, &settings);
    assert_null(notes.order.depends_on);
    assert_true(notes.reordered);
    notes.reordered = false;
    settings.group[0] = '\0';
    order(&notes, &settings);
    assert_true(notes.reordered);
    notes_release(&notes);
}

/* A label's names are its tenant's, the configuration's are everybody's. */
static void names_of_labels_are_marked(void **state) {
    (void)state;
    struct target target = {.project = "shop"};
    struct notes notes;
    struct err err = ERR_INIT;
    settings_init(&target.settings);
    notes_init(&notes);
    put(target.settings.group, sizeof target.settings.group, "web");
    assert_true(settings_set(&target.settings, SETTINGS_DEPENDS_ON, "db,cache", &err));
    target.settings.sources[SETTINGS_DEPENDS_ON].kind = SETTINGS_LABEL;
    notes_order(&notes, &target);
    assert_string_equal(notes.order.group, "web");
    assert_string_equal(notes.order.depends_on, "./db,./cache");
    assert_true(notes.order.placed);
    assert_string_equal(notes.order.project, "shop");
    target.settings.sources[SETTINGS_GROUP].kind = SETTINGS_ANNOTATION;
    notes_order(&notes, &target);
    assert_string_equal(notes.order.group, "./web");
    assert_true(notes.reordered);
    notes.reordered = false;
    target.project[0] = '\0';
    notes_order(&notes, &target);
    assert_true(notes.reordered);
    notes_release(&notes);
}

static void undone_forgets_the_steps_only(void **state) {
    (void)state;
    struct notes notes = full_notes();
    notes_undone(&notes);
    assert_int_equal(notes.return_to, STAGE_UNKNOWN);
    assert_string_equal(notes.why, "");
    assert_int_equal(notes.down_ms, 0);
    assert_int_equal(json_object_size(notes.driver), 0);
    assert_string_equal(notes.to, TO);
    assert_string_equal(notes.asked_for, TO);
    assert_int_equal(notes.asked_ms, 13);
    assert_string_equal(notes.order.group, "web");
    notes_release(&notes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_comes_back),
        cmocka_unit_test(a_new_one_is_empty),
        cmocka_unit_test(a_broken_journal_is_a_fault),
        cmocka_unit_test(members_of_a_wrong_type_are_ignored),
        cmocka_unit_test(missing_settings_are_the_built_in_ones),
        cmocka_unit_test(kept_settings_win_over_present_ones),
        cmocka_unit_test(too_large_a_journal_leaves_the_row_alone),
        cmocka_unit_test(the_order_tells_of_changes),
        cmocka_unit_test(names_of_labels_are_marked),
        cmocka_unit_test(undone_forgets_the_steps_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
