/* Replay keys: each is known from its commit on, wherever it is: in memory, in a run that is being
 * indexed, in the index, or only in the row of its push after a crash. */
#include "agent/store/internal.h"
#include "agent/store/keys.h"
#include "tests/unit/agent/fixture.h"

#define BATCH 64
#define MANY (3 * STORE_KEYS_RUN + 1000)

static struct source_image image;

static struct webhook_delivery keyed(unsigned number) {
    char key[32];
    (void)snprintf(key, sizeof key, "delivery %u", number);
    return fixture_delivery(&image, "ghcr.io/brian/site:1.4", key, key);
}

static void accept_from(struct store *store, unsigned first, unsigned count) {
    static struct webhook_delivery deliveries[BATCH];
    static struct webhook_delivery *batch[BATCH];
    for (unsigned at = 0; at < count;) {
        size_t size = 0;
        for (; size < BATCH && at < count; size++, at++) {
            deliveries[size] = keyed(first + at);
            batch[size] = &deliveries[size];
        }
        store_accept(store, batch, size, fixture_now_ms);
        for (size_t i = 0; i < size; i++) {
            assert_int_equal(deliveries[i].outcome, WEBHOOK_ACCEPTED);
        }
    }
}

static void assert_known(struct store *store, unsigned number) {
    struct webhook_delivery again = keyed(number);
    fixture_accept(store, &again);
    assert_int_equal(again.outcome, WEBHOOK_DUPLICATE);
    struct webhook_delivery other = keyed(number);
    other.body_hash[0] ^= 1;
    fixture_accept(store, &other);
    assert_int_equal(other.outcome, WEBHOOK_CONFLICT);
}

static void assert_all_known(struct store *store, unsigned count) {
    for (unsigned i = 0; i < count; i += 97) {
        assert_known(store, i);
    }
    assert_known(store, count - 1);
}

static int64_t number(struct store *store, const char *sql) {
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t value = sqlite3_column_int64(statement, 0);
    (void)sqlite3_finalize(statement);
    return value;
}

static void each_is_known_wherever_it_is(void **state) {
    for (unsigned count = 0; count < MANY;) {
        unsigned more = count % 1000 == 0 ? 999 : 2500;
        more = count + more > MANY ? MANY - count : more;
        accept_from(*state, count, more);
        count += more;
        assert_all_known(*state, count);
    }
    assert_int_equal(number(*state, "SELECT count(*) FROM pushes"), MANY);
    assert_true(number(*state, "SELECT count(*) FROM keys") >= 2 * STORE_KEYS_RUN);
    assert_true(number(*state, "SELECT count(*) FROM keys") < MANY);
}

static void a_crash_loses_none(void **state) {
    for (unsigned round = 0; round < 4; round++) {
        accept_from(*state, round * 7000, 7000);
        store_free(*state); /* no clean stop: as after kill -9, only the commits count */
        *state = fixture_open();
        assert_all_known(*state, (round + 1) * 7000);
    }
    assert_int_equal(number(*state, "SELECT count(*) FROM pushes"), 28000);
}

static void at_rest_all_are_indexed(void **state) {
    struct store *store = *state;
    accept_from(store, 0, 500);
    store_trim(store);
    assert_non_null(store->keys);
    assert_int_equal(number(store, "SELECT count(*) FROM keys"), 0);
    accept_from(store, 500, 19500);
    store_trim(store);
    assert_null(store->keys);
    assert_int_equal(number(store, "SELECT count(*) FROM keys"), 20000);
    assert_int_equal(number(store, "SELECT through = max(pushes.id) FROM keys_through, pushes"), 1);
    assert_all_known(store, 20000);
    accept_from(store, 20000, 100);
    assert_known(store, 20099);
}

static void twice_in_one_batch_is_once(void **state) {
    struct webhook_delivery first = keyed(1);
    struct webhook_delivery second = keyed(1);
    struct webhook_delivery *batch[] = {&first, &second};
    store_accept(*state, batch, 2, fixture_now_ms);
    assert_int_equal(first.outcome, WEBHOOK_ACCEPTED);
    assert_int_equal(second.outcome, WEBHOOK_DUPLICATE);
    assert_string_equal(first.id, second.id);
}

static void what_was_not_stored_is_not_known(void **state) {
    struct store *store = *state;
    accept_from(store, 0, 100);
    assert_int_equal(sqlite3_exec(store->db, "PRAGMA query_only=1", NULL, NULL, NULL), SQLITE_OK);
    struct webhook_delivery lost = keyed(100);
    fixture_accept(store, &lost);
    assert_int_equal(lost.outcome, WEBHOOK_UNAVAILABLE);
    assert_int_equal(sqlite3_exec(store->db, "PRAGMA query_only=0", NULL, NULL, NULL), SQLITE_OK);
    accept_from(store, 100, 1);
    assert_all_known(store, 101);
}

static void a_pruned_push_takes_its_key_along(void **state) {
    struct store *store = *state;
    accept_from(store, 0, 2000);
    store_trim(store);
    assert_int_equal(sqlite3_exec(store->db,
                                  "DELETE FROM pushes WHERE id IN (SELECT id FROM pushes "
                                  "ORDER BY id LIMIT 1500)",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(number(store, "SELECT count(*) FROM keys"), 500);
    accept_from(store, 0, 1500);
    assert_all_known(store, 2000);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(each_is_known_wherever_it_is),     TEST(a_crash_loses_none),
        TEST(at_rest_all_are_indexed),          TEST(twice_in_one_batch_is_once),
        TEST(what_was_not_stored_is_not_known), TEST(a_pruned_push_takes_its_key_along)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
