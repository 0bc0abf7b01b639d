/* Quotas: the bytes of a sender's pushes are counted, and one sender's are its own. */
#include "agent/store/internal.h"
#include "tests/unit/agent/fixture.h"

static int64_t number(struct store *store, const char *sql) {
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t value = sqlite3_column_int64(statement, 0);
    (void)sqlite3_finalize(statement);
    return value;
}

/* The push's id; 0: over the quota. */
static int64_t push(struct store *store, const char *sender, int64_t quota) {
    static unsigned count;
    char text[64];
    struct source_image image = {.meta = NULL};
    (void)snprintf(text, sizeof text, "ghcr.io/a/b:%u", ++count);
    struct webhook_delivery delivery = fixture_delivery(&image, text, NULL, NULL);
    int64_t id = 0;
    delivery.sender = sender;
    delivery.quota = quota;
    fixture_accept(store, &delivery);
    if (delivery.outcome == WEBHOOK_OVER_QUOTA) {
        return 0;
    }
    assert_int_equal(delivery.outcome, WEBHOOK_ACCEPTED);
    assert_true(id_parse("psh", delivery.id, &id));
    return id;
}

static void a_sender_fills_its_own_quota(void **state) {
    fixture_begin(*state, "docker");
    int stored = 0;
    assert_false(store_prune_wanted(*state));
    while (push(*state, "greedy", 50000)) {
        stored++;
    }
    assert_true(stored > 50 && stored < 150);
    assert_true(store_prune_wanted(*state));
    assert_false(store_prune_wanted(*state));
    assert_int_not_equal(push(*state, "modest", 50000), 0);
    assert_int_not_equal(push(*state, "unbounded", 0), 0);
    assert_int_equal(push(*state, "greedy", 50000), 0);
    assert_int_not_equal(push(*state, "greedy", 100000), 0);
}

static void pushes_leave_with_their_bytes(void **state) {
    struct source_image image = {.meta = "{\"commit\":\"\xc3\xa9\"}"};
    struct webhook_delivery delivery = fixture_delivery(&image, "ghcr.io/a/b:1", NULL, NULL);
    fixture_accept(*state, &delivery);
    assert_int_not_equal(push(*state, "ci", 0), 0);
    assert_true(store_usage_of(*state, "ci") > 800);
    store_prune(*state, fixture_now_ms + 1);
    assert_int_equal(number(*state, "SELECT count(*) FROM pushes"), 0);
    assert_int_equal(store_usage_of(*state, "ci"), 0);
}

static void a_repeated_delivery_needs_no_room(void **state) {
    struct source_image image = {.meta = NULL};
    struct webhook_delivery delivery = fixture_delivery(&image, "ghcr.io/a/b:1", "key", "body");
    delivery.quota = 401;
    fixture_accept(*state, &delivery);
    assert_int_equal(delivery.outcome, WEBHOOK_ACCEPTED);
    fixture_accept(*state, &delivery);
    assert_int_equal(delivery.outcome, WEBHOOK_DUPLICATE);
}

static void pruning_makes_room_for_a_sender(void **state) {
    fixture_begin(*state, "docker");
    const int64_t other = push(*state, "other", 200000);
    while (push(*state, "ci", 200000)) {
    }
    /* Too young, and then not looked at by the platform. */
    (void)fixture_match(*state, "docker", NULL);
    store_prune_sender(*state, "ci", 200000, fixture_now_ms);
    assert_int_equal(push(*state, "ci", 200000), 0);
    fixture_now_ms += STORE_KEEP_MS + 1;
    store_prune_sender(*state, "ci", 200000, fixture_now_ms);
    assert_true(store_usage_of(*state, "ci") <= 100000);
    assert_true(store_usage_of(*state, "ci") > 50000);
    assert_int_not_equal(push(*state, "ci", 200000), 0);
    struct push kept = {0};
    struct err err = ERR_INIT;
    assert_true(store_push_find(*state, other, &kept, &err));
    push_release(&kept);
}

static void what_waits_for_a_platform_is_kept(void **state) {
    fixture_begin(*state, "docker");
    while (push(*state, "ci", 50000)) {
    }
    const int64_t before = number(*state, "SELECT count(*) FROM pushes");
    fixture_now_ms += STORE_KEEP_MS + 1;
    store_prune_sender(*state, "ci", 50000, fixture_now_ms);
    assert_int_equal(number(*state, "SELECT count(*) FROM pushes"), before);
    assert_int_equal(push(*state, "ci", 50000), 0);
}

static void room_is_bounded_in_all(void **state) {
    struct err err = ERR_INIT;
    assert_true(store_used(*state) > 0);
    assert_true(store_room(*state, 0, &err));
    assert_true(store_room(*state, INT64_C(1) << 40, &err));
    assert_false(store_room(*state, 1024, &err));
    assert_int_equal(err.kind, ERR_TRANSIENT);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_sender_fills_its_own_quota),      TEST(pushes_leave_with_their_bytes),
        TEST(a_repeated_delivery_needs_no_room), TEST(pruning_makes_room_for_a_sender),
        TEST(what_waits_for_a_platform_is_kept), TEST(room_is_bounded_in_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
