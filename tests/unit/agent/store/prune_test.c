/* Pruning: deletes old rows, but keeps some regardless of age. */
#include "agent/store/internal.h"
#include "base/json.h"
#include "tests/unit/agent/fixture.h"

static void execute(struct store *store, const char *sql) {
    char *message = NULL;
    if (sqlite3_exec(store->db, sql, NULL, NULL, &message) != SQLITE_OK) {
        fail_msg("%s: %s", sql, message);
    }
}

static int64_t number(struct store *store, const char *sql) {
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t value = sqlite3_column_int64(statement, 0);
    (void)sqlite3_finalize(statement);
    return value;
}

static void prune_keeps_open_and_young_rows(void **state) {
    struct store *store = *state;
    fixture_begin(store, "docker");
    int64_t old_done = fixture_update(store, "docker/done");
    fixture_place(store, old_done, "settle", "updated");
    int64_t old_open = fixture_update(store, "docker/open");
    int64_t old_bare = fixture_push(store, "ghcr.io/nobody/runs:1");
    (void)fixture_match(store, "docker", NULL);
    fixture_now_ms += 1000;
    int64_t young_done = fixture_update(store, "docker/young");
    fixture_place(store, young_done, "settle", "failed");
    int64_t young_bare = fixture_push(store, "ghcr.io/nobody/runs:2");
    (void)fixture_match(store, "docker", NULL);

    int64_t done_push = number(store, "SELECT min(push) FROM updates");
    store_prune(store, FIXTURE_NOON + 500);

    struct update update = {0};
    struct push push = {0};
    struct err err = ERR_INIT;
    assert_false(store_update_find(store, old_done, &update, &err));
    assert_int_equal(err.kind, ERR_GONE);
    assert_false(store_push_find(store, done_push, &push, &err));
    assert_false(store_push_find(store, old_bare, &push, &err));
    assert_true(store_push_find(store, young_bare, &push, &err));
    push_release(&push);
    update = fixture_find(store, old_open);
    assert_true(store_push_find(store, update.push, &push, &err));
    push_release(&push);
    update_release(&update);
    update = fixture_find(store, young_done);
    update_release(&update);
    CLEANUP(json_release) json_t *gone = store_history(store, old_done);
    assert_int_equal(json_array_size(gone), 0);
    CLEANUP(json_release) json_t *kept = store_history(store, young_done);
    assert_true(json_array_size(kept) > 0);
    CLEANUP(json_release) json_t *open = store_history(store, old_open);
    assert_true(json_array_size(open) > 0);
}

static void prune_keeps_pushes_to_be_matched(void **state) {
    fixture_begin(*state, "docker");
    (void)fixture_push(*state, "ghcr.io/a/b:1");
    (void)fixture_match(*state, "docker", NULL);
    (void)fixture_push(*state, "ghcr.io/a/b:2");
    store_prune(*state, FIXTURE_NOON + INT64_C(1000) * 86400000);
    assert_int_equal(number(*state, "SELECT count(*) FROM pushes"), 1);
    assert_int_equal(fixture_unmatched(*state, "docker"), 1);
}

static void prune_copes_with_many(void **state) {
    fixture_begin(*state, "docker");
    execute(*state, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)"
                    " INSERT INTO pushes(id, lead, sender, image, digest, received)"
                    " SELECT i, i, 'ci', 'ghcr.io/a/b:1', '', 1000 FROM n");
    (void)fixture_push(*state, "ghcr.io/a/b:2");
    (void)fixture_match(*state, "docker", NULL);
    store_prune(*state, 2000);
    assert_int_equal(number(*state, "SELECT count(*) FROM pushes"), 1);
}

static void prune_keeps_rejected_digests(void **state) {
    struct update update = {.id = 42, .target = "docker/site", .to = FIXTURE_DIGEST("2")};
    struct err err = ERR_INIT;
    int64_t which = 0;
    assert_true(store_reject(*state, &update, &err));
    store_prune(*state, fixture_now_ms + 1000);
    assert_true(store_rejected(*state, "docker/site", FIXTURE_DIGEST("2"), &which));
    execute(*state, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
                    " WHERE i < 10010) INSERT INTO rejected SELECT 'docker/x', i, i,"
                    " 9000000000000 FROM n");
    store_prune(*state, fixture_now_ms + 1000);
    assert_false(store_rejected(*state, "docker/site", FIXTURE_DIGEST("2"), &which));
}

/* A platform that is away for long: the newest push of each image still waits for it. */
static void prune_drops_what_a_newer_push_replaces(void **state) {
    fixture_begin(*state, "docker");
    for (int i = 0; i < 1200; i++) {
        (void)fixture_push(*state, "ghcr.io/a/b:1");
    }
    int64_t other = fixture_push(*state, "ghcr.io/a/b:2");
    int64_t newest = fixture_push(*state, "ghcr.io/a/b:1");
    store_prune(*state, fixture_now_ms + 1);
    assert_int_equal(number(*state, "SELECT count(*) FROM pushes"), 2);
    assert_int_equal(number(*state, "SELECT min(id) FROM pushes"), other);
    assert_int_equal(number(*state, "SELECT max(id) FROM pushes"), newest);
    assert_int_equal(fixture_unmatched(*state, "docker"), 2);
}

/* Rows that stay, however many, hide none that go. */
static void prune_looks_behind_rows_that_stay(void **state) {
    fixture_begin(*state, "docker");
    execute(*state,
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12000)"
            " INSERT INTO updates(id, push, target, instance, image, stage, result, reason,"
            " from_digest, to_digest, not_before, stage_since, attempts, created, finished,"
            " changed, revision, step, back, journal) SELECT i, i, 'docker/a', '', 'a/b:1', 'gate',"
            " CASE WHEN i > 11000 THEN 'updated' END, '', '', '', 0, 0, 0, 1000, 1000, 0, 1, '',"
            " 0, '' FROM n");
    store_prune(*state, 2000);
    assert_int_equal(number(*state, "SELECT count(*) FROM updates"), 11000);
}

static void prune_by_size_takes_the_oldest(void **state) {
    fixture_begin(*state, "docker");
    execute(*state, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 8000)"
                    " INSERT INTO pushes(id, lead, sender, image, digest, received, meta)"
                    " SELECT i, i, 'ci', 'ghcr.io/a/b:' || i, '', 1000 * i, hex(zeroblob(200))"
                    " FROM n");
    (void)fixture_push(*state, "ghcr.io/a/b:2");
    (void)fixture_match(*state, "docker", NULL);
    const int64_t used = store_used(*state);
    store_prune_size(*state, used, fixture_now_ms);
    assert_int_equal(number(*state, "SELECT count(*) FROM pushes"), 8001);
    store_prune_size(*state, used / 2, 1000 * 8000 + STORE_KEEP_MS);
    const int64_t left = number(*state, "SELECT count(*) FROM pushes");
    assert_true(store_used(*state) <= used / 2);
    assert_true(left > 2500 && left < 5000);
    assert_int_equal(number(*state, "SELECT count(*) FROM pushes WHERE id = 8000"), 1);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(prune_keeps_open_and_young_rows),
        TEST(prune_keeps_pushes_to_be_matched),
        TEST(prune_copes_with_many),
        TEST(prune_keeps_rejected_digests),
        TEST(prune_drops_what_a_newer_push_replaces),
        TEST(prune_looks_behind_rows_that_stay),
        TEST(prune_by_size_takes_the_oldest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
