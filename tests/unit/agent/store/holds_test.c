/* Holds of one target and of all, with and without an end; and the updates that they wake. */
#include "agent/store/internal.h"
#include "base/json.h"
#include "tests/unit/agent/fixture.h"

#define HOUR INT64_C(3600000)

static int start(void **state) {
    if (fixture_setup(state) != 0) {
        return -1;
    }
    fixture_begin(*state, "docker");
    return 0;
}

static void hold(struct store *store, const char *target, int64_t until_ms, const char *reason) {
    struct hold row = {.until_ms = until_ms, .at_ms = fixture_now_ms};
    struct err err = ERR_INIT;
    (void)snprintf(row.target, sizeof row.target, "%s", target);
    (void)snprintf(row.reason, sizeof row.reason, "%s", reason);
    if (!store_hold(store, &row, "uid 7 (ann)", &err)) {
        fail_msg("%s", err.message);
    }
}

static void assert_held(struct store *store, const char *target, const char *by) {
    struct hold found = {0};
    assert_int_equal(store_held(store, target, fixture_now_ms, &found), by != NULL);
    assert_string_equal(found.reason, by ? by : "");
}

static void held_until_released(void **state) {
    assert_held(*state, "docker/site", NULL);
    hold(*state, "docker/site", 0, "migration");
    store_free(*state);
    *state = fixture_open();
    struct hold found = {0};
    assert_true(store_held(*state, "docker/site", fixture_now_ms + 10000 * HOUR, &found));
    assert_string_equal(found.target, "docker/site");
    assert_int_equal(found.until_ms, 0);
    assert_int_equal(found.at_ms, FIXTURE_NOON);
    assert_held(*state, "docker/site-2", NULL);
    struct err err = ERR_INIT;
    assert_true(store_release_hold(*state, "docker/site", "uid 7 (ann)", &err));
    assert_held(*state, "docker/site", NULL);
    assert_false(store_release_hold(*state, "docker/site", "uid 7 (ann)", &err));
    assert_int_equal(err.kind, ERR_GONE);
    assert_non_null(strstr(err.message, "docker/site is not on hold"));
}

static void held_until_its_end(void **state) {
    hold(*state, "docker/site", FIXTURE_NOON + HOUR, "an hour");
    fixture_now_ms = FIXTURE_NOON + HOUR - 1;
    assert_held(*state, "docker/site", "an hour");
    fixture_now_ms++;
    assert_held(*state, "docker/site", NULL);
    struct err err = ERR_INIT;
    assert_false(store_release_hold(*state, "docker/site", NULL, &err));
    assert_int_equal(err.kind, ERR_GONE);
    hold(*state, "docker/site", FIXTURE_NOON + 2 * HOUR, "one more");
    assert_held(*state, "docker/site", "one more");
}

static void the_later_end_counts(void **state) {
    hold(*state, "docker/site", FIXTURE_NOON + HOUR, "own");
    hold(*state, "all", FIXTURE_NOON + 2 * HOUR, "everything");
    assert_held(*state, "docker/site", "everything");
    assert_held(*state, "docker/other", "everything");
    hold(*state, "docker/site", FIXTURE_NOON + 3 * HOUR, "own, longer");
    assert_held(*state, "docker/site", "own, longer");
    hold(*state, "all", 0, "everything, for ever");
    assert_held(*state, "docker/site", "everything, for ever");
    struct err err = ERR_INIT;
    assert_true(store_release_hold(*state, "all", NULL, &err));
    assert_held(*state, "docker/site", "own, longer");
    assert_held(*state, "docker/other", NULL);
}

static void decisions_are_in_the_audit_trail(void **state) {
    hold(*state, "docker/site", FIXTURE_NOON + HOUR, "an hour");
    hold(*state, "all", 0, "");
    struct err err = ERR_INIT;
    assert_true(store_release_hold(*state, "all", "control token", &err));
    assert_false(store_release_hold(*state, "all", "control token", &err));
    CLEANUP(json_release) json_t *list = store_audit(*state, 10);
    assert_int_equal(json_array_size(list), 3);
    const json_t *first = json_array_get(list, 2);
    assert_string_equal(json_text(first, "actor"), "uid 7 (ann)");
    assert_string_equal(json_text(first, "subject"), "docker/site");
    assert_string_equal(json_text(first, "event"), "held");
    assert_string_equal(json_text(first, "detail"), "until 2026-11-20T13:00:00.123Z: an hour");
    assert_string_equal(json_text(json_array_get(list, 1), "detail"), "until it is released");
    const json_t *last = json_array_get(list, 0);
    assert_string_equal(json_text(last, "event"), "released");
    assert_string_equal(json_text(last, "actor"), "control token");
    int64_t broken = 0;
    size_t count = 0;
    assert_true(store_audit_verify(*state, &broken, &count, &err));
}

/* A decision that a worker is making at the gate without knowing of the hold is lost. */
static void a_hold_beats_a_decision_under_way(void **state) {
    int64_t id = fixture_update(*state, "docker/site");
    fixture_place(*state, id, "gate", NULL);
    struct update worker = fixture_find(*state, id);
    hold(*state, "docker/site", 0, "not now");
    worker.stage = STAGE_APPLY;
    struct store_event next = {.stage = STAGE_GATE, .event = "next", .detail = "go"};
    struct err err = ERR_INIT;
    assert_int_equal(store_update_save(*state, &worker, &next, &err), STORE_LOST);
    update_release(&worker);
    worker = fixture_find(*state, id);
    worker.not_before_ms = UPDATE_UNTIL_WOKEN;
    fixture_save(*state, &worker);
    update_release(&worker);
    assert_int_equal(store_next_due(*state, fixture_now_ms), INT64_MAX);
    assert_true(store_release_hold(*state, "docker/site", NULL, &err));
    struct store_due due = {.count = 0};
    assert_true(store_due(*state, fixture_now_ms, &due, &err));
    assert_int_equal(due.count, 1);
}

static void an_unreadable_database_holds_all(void **state) {
    struct store *store = *state;
    assert_int_equal(sqlite3_exec(store->db, "DROP TABLE holds", NULL, NULL, NULL), SQLITE_OK);
    struct hold found = {0};
    assert_true(store_held(store, "docker/site", fixture_now_ms, &found));
    assert_true(found.until_ms > fixture_now_ms);
    assert_string_equal(found.target, "docker/site");
}

static void pruning_forgets_holds_that_ended(void **state) {
    hold(*state, "docker/a", FIXTURE_NOON + HOUR, "ended");
    hold(*state, "docker/b", FIXTURE_NOON + 9 * HOUR, "later");
    hold(*state, "docker/c", 0, "endless");
    store_prune(*state, FIXTURE_NOON + 2 * HOUR);
    fixture_now_ms = FIXTURE_NOON;
    assert_held(*state, "docker/a", NULL);
    assert_held(*state, "docker/b", "later");
    assert_held(*state, "docker/c", "endless");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, start, fixture_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(held_until_released),
        TEST(held_until_its_end),
        TEST(the_later_end_counts),
        TEST(decisions_are_in_the_audit_trail),
        TEST(a_hold_beats_a_decision_under_way),
        TEST(an_unreadable_database_holds_all),
        TEST(pruning_forgets_holds_that_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
