/* The gate: waking updates that wait there, and the other open updates that it asks about. */
#include "agent/store/internal.h"
#include "tests/unit/agent/fixture.h"

static const struct store_event step = {
    .stage = STAGE_GATE, .event = "wait", .detail = "decided late"};

static int start(void **state) {
    if (fixture_setup(state) != 0) {
        return -1;
    }
    fixture_begin(*state, "docker");
    return 0;
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

static void wake_makes_the_gate_due(void **state) {
    int64_t ids[64];
    int64_t gate = fixture_update(*state, "docker/gate");
    fixture_place(*state, gate, "gate", NULL);
    wait_until(*state, gate, fixture_now_ms + 60000);
    int64_t fetch = fixture_update(*state, "docker/fetch");
    fixture_place(*state, fetch, "fetch", NULL);
    wait_until(*state, fetch, fixture_now_ms + 60000);
    assert_int_equal(due_ids(*state, ids), 0);
    store_wake_gate(*state, STORE_WAKE_ALL);
    assert_int_equal(due_ids(*state, ids), 1);
    assert_int_equal(ids[0], gate);
}

static int64_t sleeper(struct store *store, const char *target, bool room) {
    int64_t id = fixture_update(store, target);
    fixture_place(store, id, "gate", NULL);
    struct update update = fixture_find(store, id);
    update.not_before_ms = UPDATE_UNTIL_WOKEN;
    if (room) {
        update.order.waits_for_room = true;
    }
    fixture_save(store, &update);
    update_release(&update);
    return id;
}

/* Many updates wait for room: two wake, and two more if those do not take it, so that none sleeps
 * forever. */
static void updates_that_wait_for_room_wake_by_twos(void **state) {
    int64_t ids[64];
    int64_t first = sleeper(*state, "docker/a", true);
    (void)sleeper(*state, "docker/b", true);
    int64_t third = sleeper(*state, "docker/c", true);
    int64_t other = sleeper(*state, "docker/d", false);
    assert_int_equal(due_ids(*state, ids), 0);
    store_wake_gate(*state, STORE_WAKE_WAITING_FOR_OTHERS);
    assert_int_equal(due_ids(*state, ids), 3);
    assert_int_equal(ids[0], first);
    assert_int_equal(ids[2], other);
    store_wake_gate(*state, STORE_WAKE_WAITING_FOR_OTHERS);
    assert_int_equal(due_ids(*state, ids), 4);
    assert_int_equal(ids[2], third);
}

/* A worker finds the target busy; before it stores the wait, another worker finishes that target.
 * The first must not put the update to sleep then. */
static void wake_is_not_lost_to_a_late_wait(void **state) {
    int64_t ids[64];
    int64_t gate = fixture_update(*state, "docker/gate");
    fixture_place(*state, gate, "gate", NULL);
    struct update deciding = fixture_find(*state, gate);
    store_wake_gate(*state, STORE_WAKE_ALL);
    deciding.not_before_ms = fixture_now_ms + 600000;
    struct err err = ERR_INIT;
    assert_int_equal(store_update_save(*state, &deciding, &step, &err), STORE_LOST);
    update_release(&deciding);
    assert_int_equal(due_ids(*state, ids), 1);
}

/* ---- other open updates ---- */

static void others_are_all_open_updates(void **state) {
    int64_t mine = fixture_update(*state, "docker/site");
    int64_t done = fixture_update(*state, "docker/done");
    int64_t waiting = fixture_update(*state, "docker/db");
    int64_t applying = fixture_update(*state, "docker/cache");
    fixture_place(*state, done, "settle", "updated");
    fixture_place(*state, applying, "apply", NULL);
    struct update db = fixture_find(*state, waiting);
    db.order = (struct update_order){
        .known = true, .group = "shop", .depends_on = strdup("a,b"), .waits_for_room = true};
    fixture_save(*state, &db);
    update_release(&db);
    struct update_others others = {0};
    struct err err = ERR_INIT;
    assert_true(store_list_others(*state, mine, &others, &err));
    assert_int_equal(others.count, 2);
    assert_int_equal(others.items[0].id, waiting);
    assert_string_equal(others.items[0].target, "docker/db");
    assert_string_equal(stage_text(others.items[0].stage), "policy");
    assert_int_equal(others.items[0].created_ms, fixture_now_ms);
    assert_true(others.items[0].order.known);
    assert_string_equal(others.items[0].order.group, "shop");
    assert_string_equal(others.items[0].order.depends_on, "a,b");
    assert_true(others.items[0].order.waits_for_room);
    assert_int_equal(others.items[1].id, applying);
    assert_string_equal(stage_text(others.items[1].stage), "apply");
    assert_false(others.items[1].order.known);
    update_others_release(&others);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, start, fixture_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(wake_makes_the_gate_due),
        TEST(updates_that_wait_for_room_wake_by_twos),
        TEST(wake_is_not_lost_to_a_late_wait),
        TEST(others_are_all_open_updates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
