/* Updates: of two simultaneous saves one is lost, and updates are due at the right time. */
#include "agent/store/internal.h"
#include "base/json.h"
#include "tests/unit/agent/fixture.h"

static const struct store_event step = {
    .stage = STAGE_APPLY, .event = "step", .detail = "one further"};

static int start(void **state) {
    if (fixture_setup(state) != 0) {
        return -1;
    }
    fixture_begin(*state, "docker");
    return 0;
}

/* ---- saving ---- */

static void save_stores_all_of_it(void **state) {
    int64_t id = fixture_update(*state, "docker/site");
    struct update update = fixture_find(*state, id);
    (void)snprintf(update.instance, sizeof update.instance, "instance-2");
    update.stage = STAGE_APPLY;
    (void)snprintf(update.reason, sizeof update.reason, "a reason");
    (void)snprintf(update.step, sizeof update.step, "stop-old");
    memcpy(update.from, FIXTURE_DIGEST("8"), sizeof update.from);
    memcpy(update.to, FIXTURE_DIGEST("9"), sizeof update.to);
    update.not_before_ms = 5;
    update.stage_since_ms = 6;
    update.attempts = 7;
    update.back = true;
    update.order = (struct update_order){
        .known = true, .group = "shop", .depends_on = strdup("a"), .waits_for_room = true};
    free(update.journal);
    update.journal = strdup("{\"driver\":{\"ids\":[1,2,3]}}");
    struct err err = ERR_INIT;
    assert_int_equal(store_update_save(*state, &update, &step, &err), STORE_CHANGED);
    assert_int_equal(update.revision, 1);
    store_free(*state);
    *state = fixture_open();
    struct update back = fixture_find(*state, id);
    assert_string_equal(back.journal, update.journal);
    update_release(&update);
    assert_true(back.order.known && back.order.waits_for_room);
    assert_string_equal(back.order.group, "shop");
    assert_string_equal(back.order.depends_on, "a");
    assert_string_equal(back.instance, "instance-2");
    assert_string_equal(stage_text(back.stage), "apply");
    assert_string_equal(back.reason, "a reason");
    assert_string_equal(back.step, "stop-old");
    assert_string_equal(back.from, FIXTURE_DIGEST("8"));
    assert_string_equal(back.to, FIXTURE_DIGEST("9"));
    assert_int_equal(back.not_before_ms, 5);
    assert_int_equal(back.stage_since_ms, 6);
    assert_int_equal(back.attempts, 7);
    assert_int_equal(back.revision, 1);
    assert_true(back.back);
    update_release(&back);
    CLEANUP(json_release) json_t *history = store_history(*state, id);
    json_t *line = json_array_get(history, 1);
    assert_string_equal(json_text(line, "stage"), "apply");
    assert_string_equal(json_text(line, "event"), "step");
    assert_string_equal(json_text(line, "detail"), "one further");
}

static void save_loses_to_a_newer_revision(void **state) {
    int64_t id = fixture_update(*state, "docker/site");
    struct store *other = fixture_open();
    struct update mine = fixture_find(*state, id);
    struct update theirs = fixture_find(other, id);
    theirs.result = RESULT_CANCELLED;
    fixture_save(other, &theirs);
    mine.stage = STAGE_APPLY;
    struct err err = ERR_INIT;
    assert_int_equal(store_update_save(*state, &mine, &step, &err), STORE_LOST);
    assert_int_equal(mine.revision, 0);
    update_release(&mine);
    update_release(&theirs);
    struct update now = fixture_find(*state, id);
    assert_string_equal(stage_text(now.stage), "policy");
    assert_string_equal(fixture_result(now.result), "cancelled");
    update_release(&now);
    CLEANUP(json_release) json_t *history = store_history(*state, id);
    assert_int_equal(json_array_size(history), 2); /* created, theirs */
    store_free(other);
}

static void save_loses_to_a_match_and_to_pruning(void **state) {
    int64_t id = fixture_update(*state, "docker/site");
    struct update update = fixture_find(*state, id);
    update.stage = STAGE_APPLY;
    (void)fixture_update(*state, "docker/site");
    struct err err = ERR_INIT;
    assert_int_equal(store_update_save(*state, &update, &step, &err), STORE_LOST);
    update_release(&update);
    update = fixture_find(*state, id);
    store_prune(*state, fixture_now_ms + 1);
    assert_int_equal(store_update_save(*state, &update, &step, &err), STORE_LOST);
    update_release(&update);
}

/* The history shows each passed stage with its own time; or none of them, if the save was lost. */
static void passed_stages_are_stored_with_the_decision(void **state) {
    struct store *store = *state;
    int64_t id = fixture_update(store, "docker/site");
    struct update update = fixture_find(store, id);
    const struct store_passed passed[] = {
        {.stage = STAGE_POLICY, .detail = "policy same", .at_ms = fixture_now_ms + 1},
        {.stage = STAGE_RESOLVE, .detail = "it is this", .at_ms = fixture_now_ms + 2}};
    const struct store_event event = {.passed = passed,
                                      .passed_count = ARRAY_LENGTH(passed),
                                      .stage = STAGE_GATE,
                                      .event = "wait",
                                      .detail = "waits",
                                      .fast = true};
    struct err err = ERR_INIT;
    fixture_now_ms += 3;
    update.revision--;
    assert_int_equal(store_update_save(store, &update, &event, &err), STORE_LOST);
    update.revision++;
    assert_int_equal(store_update_save(store, &update, &event, &err), STORE_CHANGED);
    assert_int_equal(update.revision, 1);
    CLEANUP(json_release) json_t *lines = store_history(store, id);
    static const char *const wanted[][4] = {
        {"2026-11-20T12:00:00.123Z", "match", "created", ""},
        {"2026-11-20T12:00:00.124Z", "policy", "next", "policy same"},
        {"2026-11-20T12:00:00.125Z", "resolve", "next", "it is this"},
        {"2026-11-20T12:00:00.126Z", "gate", "wait", "waits"}};
    assert_int_equal(json_array_size(lines), ARRAY_LENGTH(wanted));
    for (size_t i = 0; i < ARRAY_LENGTH(wanted); i++) {
        const json_t *line = json_array_get(lines, i);
        assert_string_equal(json_text(line, "at"), wanted[i][0]);
        assert_string_equal(json_text(line, "stage"), wanted[i][1]);
        assert_string_equal(json_text(line, "event"), wanted[i][2]);
        assert_string_equal(json_text(line, "detail"), wanted[i][3]);
    }
    CLEANUP(json_release) json_t *trail = store_audit(store, 10);
    assert_int_equal(json_array_size(trail), ARRAY_LENGTH(wanted));
    update_release(&update);
}

static void wait_until(struct store *store, int64_t id, int64_t not_before_ms) {
    struct update update = fixture_find(store, id);
    update.not_before_ms = not_before_ms;
    fixture_save(store, &update);
    update_release(&update);
}

static size_t due_ids(struct store *store, int64_t ids[64]) {
    struct store_due due = {.count = 0};
    struct err err = ERR_INIT;
    assert_true(store_due(store, fixture_now_ms, &due, &err));
    size_t count = due.count;
    assert_true(count <= 64);
    for (size_t i = 0; i < count; i++) {
        ids[i] = due.items[i].id;
    }
    return count;
}

static void due_in_order_of_waiting(void **state) {
    int64_t ids[64];
    int64_t a = fixture_update(*state, "docker/a");
    int64_t b = fixture_update(*state, "docker/b");
    int64_t c = fixture_update(*state, "docker/c");
    int64_t d = fixture_update(*state, "docker/d");
    assert_int_equal(due_ids(*state, ids), 4);
    assert_int_equal(store_next_due(*state, fixture_now_ms), INT64_MAX);
    wait_until(*state, a, fixture_now_ms + 3000);
    wait_until(*state, b, fixture_now_ms + 2000);
    wait_until(*state, c, fixture_now_ms + 60000);
    fixture_place(*state, d, "settle", "updated");
    assert_int_equal(due_ids(*state, ids), 0);
    assert_int_equal(store_next_due(*state, fixture_now_ms), fixture_now_ms + 2000);
    fixture_now_ms += 2000;
    assert_int_equal(due_ids(*state, ids), 1);
    assert_int_equal(ids[0], b);
    assert_int_equal(store_next_due(*state, fixture_now_ms), fixture_now_ms + 1000);
    fixture_now_ms += 1500;
    assert_int_equal(due_ids(*state, ids), 2);
    assert_int_equal(ids[0], b);
    assert_int_equal(ids[1], a);
    assert_int_equal(store_next_due(*state, fixture_now_ms), FIXTURE_NOON + 60000);
}

static void due_when_the_clock_was_set_back(void **state) {
    int64_t ids[64];
    int64_t id = fixture_update(*state, "docker/a");
    wait_until(*state, id, fixture_now_ms + 60000);
    assert_int_equal(due_ids(*state, ids), 0);
    fixture_now_ms -= 500; /* a correction is no jump */
    assert_int_equal(due_ids(*state, ids), 0);
    fixture_now_ms -= 86400000;
    assert_int_equal(due_ids(*state, ids), 1);
    assert_int_equal(ids[0], id);
    /* After the next look it waits from the new time on. */
    wait_until(*state, id, fixture_now_ms + 60000);
    assert_int_equal(due_ids(*state, ids), 0);
    assert_int_equal(store_next_due(*state, fixture_now_ms), fixture_now_ms + 60000);
}

/* A queue of a hundred pulls must not hide an update that is being observed. */
static void due_shows_fetches_last(void **state) {
    int64_t ids[64];
    for (int i = 0; i < 100; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "docker/pull-%d", i);
        fixture_place(*state, fixture_update(*state, name), "fetch", NULL);
    }
    int64_t observed = fixture_update(*state, "docker/observed");
    fixture_place(*state, observed, "observe", NULL);
    wait_until(*state, observed, fixture_now_ms - 5);
    assert_int_equal(due_ids(*state, ids), 64);
    assert_int_equal(ids[0], observed);
}

static void due_leaves_out_full_places(void **state) {
    for (int i = 0; i < 100; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "docker/asks-%d", i);
        fixture_place(*state, fixture_update(*state, name), i % 2 ? "resolve" : "fetch", NULL);
    }
    int64_t observed = fixture_update(*state, "docker/observed");
    fixture_place(*state, observed, "observe", NULL);
    struct err err = ERR_INIT;
    static const struct {
        const char *full;
        size_t count;
    } rows[] = {
        {" resolve@ghcr.io  fetch@ghcr.io ", 1},
        {" resolve@ghcr.io ", 51},
        {" resolve@* ", 51},
        {" resolve@hcr.io  fetch@ghcr.i ", 64},
        {" @docker ", 64},
        {" @docker  resolve@*  fetch@ghcr.io ", 0},
        {" @ocker  @* ", 64},
        {"", 64},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct store_due due = {.full = rows[i].full};
        assert_true(store_due(*state, fixture_now_ms, &due, &err));
        assert_int_equal(due.count, rows[i].count);
    }
    struct store_due due = {.full = rows[0].full};
    assert_true(store_due(*state, fixture_now_ms, &due, &err));
    assert_int_equal(due.items[0].id, observed);
}

/* A party is a sender, and in a cluster a namespace. */
static void due_shows_each_party(void **state) {
    struct err err = ERR_INIT;
    int64_t others[2];
    for (int i = 0; i < 100; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "kubernetes/evil/deployment/d%d/app", i);
        (void)fixture_update(*state, name);
    }
    others[0] = fixture_update(*state, "kubernetes/prod/deployment/web/app");
    others[1] = fixture_update(*state, "docker/web");
    struct store_due due = {.each_party = true};
    assert_true(store_due(*state, fixture_now_ms, &due, &err));
    assert_int_equal(due.count, 6);
    for (size_t k = 0; k < ARRAY_LENGTH(others); k++) {
        bool found = false;
        for (size_t i = 0; i < 3; i++) { /* the first of each party come first */
            found = found || due.items[i].id == others[k];
        }
        assert_true(found);
    }
    assert_true(due.items[0].party != due.items[1].party);
    assert_true(due.items[1].party != due.items[2].party);
}

static void due_reads_by_index(void **state) {
    struct store *store = *state;
    struct store_due found = {.count = 0};
    struct err err = ERR_INIT;
    assert_true(store_due(store, fixture_now_ms, &found, &err));
    sqlite3_stmt *due = sqlite3_next_stmt(store->db, NULL);
    while (due && !strstr(sqlite3_sql(due), "ORDER BY u.stage")) {
        due = sqlite3_next_stmt(store->db, due);
    }
    assert_non_null(due);
    char sql[4096];
    (void)snprintf(sql, sizeof sql, "EXPLAIN QUERY PLAN %s", sqlite3_sql(due));
    sqlite3_stmt *plan = NULL;
    assert_int_equal(sqlite3_prepare_v2(store->db, sql, -1, &plan, NULL), SQLITE_OK);
    bool by_index = false;
    while (sqlite3_step(plan) == SQLITE_ROW) {
        const char *detail = (const char *)sqlite3_column_text(plan, 3);
        by_index = by_index || strstr(detail, "updates_due");
        if (strstr(detail, "TEMP B-TREE") && !strstr(detail, "LAST TERM")) {
            fail_msg("sorts: %s", detail);
        }
    }
    assert_true(by_index);
    (void)sqlite3_finalize(plan);
}

static void the_newest_other_of_a_target_is_found(void **state) {
    int64_t mine = fixture_update(*state, "docker/site");
    fixture_place(*state, mine, "apply", NULL);
    int64_t mine_too = fixture_update(*state, "docker/site");
    struct update update = fixture_find(*state, mine);
    int64_t other = 0;
    struct err err = ERR_INIT;
    assert_true(store_find_other(*state, &update, &other, &err));
    assert_int_equal(other, mine_too);
    update_release(&update);
}

/* ---- lists ---- */

static void lists_are_newest_first(void **state) {
    int64_t a = fixture_update(*state, "docker/a");
    int64_t b = fixture_update(*state, "docker/b");
    int64_t c = fixture_update(*state, "docker/c");
    fixture_place(*state, b, "settle", "updated");
    struct updates all = {0};
    struct err err = ERR_INIT;
    struct store_filter filter = {.limit = 10};
    assert_true(store_update_list(*state, &filter, &all, &err));
    assert_int_equal(all.count, 3);
    assert_int_equal(all.items[0].id, c);
    assert_int_equal(all.items[2].id, a);
    updates_release(&all);
    filter.open_only = true;
    assert_true(store_update_list(*state, &filter, &all, &err));
    assert_int_equal(all.count, 2);
    assert_int_equal(all.items[0].id, c);
    assert_int_equal(all.items[1].id, a);
    updates_release(&all);
    filter.limit = 1;
    assert_true(store_update_list(*state, &filter, &all, &err));
    assert_int_equal(all.count, 1);
    updates_release(&all);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, start, fixture_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(save_stores_all_of_it),
        TEST(save_loses_to_a_newer_revision),
        TEST(save_loses_to_a_match_and_to_pruning),
        TEST(passed_stages_are_stored_with_the_decision),
        TEST(due_in_order_of_waiting),
        TEST(due_when_the_clock_was_set_back),
        TEST(due_shows_fetches_last),
        TEST(due_leaves_out_full_places),
        TEST(due_shows_each_party),
        TEST(due_reads_by_index),
        TEST(the_newest_other_of_a_target_is_found),
        TEST(lists_are_newest_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
