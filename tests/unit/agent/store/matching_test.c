/* Matches: each makes one update, all in one transaction. */
#include "agent/store/internal.h"
#include "base/json.h"
#include "tests/unit/agent/fixture.h"

static int start(void **state) {
    if (fixture_setup(state) != 0) {
        return -1;
    }
    fixture_begin(*state, "docker");
    return 0;
}

static void assert_result(struct store *store, int64_t id, const char *result) {
    struct update update = fixture_find(store, id);
    assert_string_equal(fixture_result(update.result), result);
    update_release(&update);
}

static void match_makes_an_open_update(void **state) {
    int64_t id = fixture_update(*state, "docker/site");
    store_free(*state);
    *state = fixture_open();
    struct update update = fixture_find(*state, id);
    assert_int_equal(update.id, id);
    assert_true(update.push != 0);
    assert_string_equal(update.target, "docker/site");
    assert_string_equal(update.instance, "instance-1");
    assert_string_equal(update.image.path, "brian/site");
    assert_string_equal(update.image.tag, "1.4");
    assert_string_equal(stage_text(update.stage), "policy");
    assert_string_equal(fixture_result(update.result), "");
    assert_string_equal(update.reason, "");
    assert_string_equal(update.from, FIXTURE_DIGEST("1"));
    assert_string_equal(update.to, FIXTURE_DIGEST("2"));
    assert_string_equal(update.pushed_digest, FIXTURE_DIGEST("2"));
    assert_string_equal(update.step, "");
    assert_false(update.back);
    assert_int_equal(update.not_before_ms, 0);
    assert_int_equal(update.attempts, 0);
    assert_int_equal(update.revision, 0);
    assert_int_equal(update.received_ms, FIXTURE_NOON);
    assert_int_equal(update.created_ms, FIXTURE_NOON);
    assert_int_equal(update.stage_since_ms, FIXTURE_NOON);
    assert_int_equal(update.finished_ms, 0);
    assert_string_equal(update.journal, "{}");
    assert_false(update.order.known);
    update_release(&update);
}

static void match_supersedes_only_before_apply(void **state) {
    static const struct {
        const char *stage;
        const char *result;
        const char *after;
    } rows[] = {
        {"policy", NULL, "superseded"},
        {"resolve", NULL, "superseded"},
        {"verify", NULL, "superseded"},
        {"fetch", NULL, "superseded"},
        {"gate", NULL, "superseded"},
        {"apply", NULL, ""},
        {"observe", NULL, ""},
        {"settle", NULL, ""},
        {"settle", "updated", "updated"},
        {"gate", "cancelled", "cancelled"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "docker/site-%zu", i);
        int64_t old = fixture_update(*state, name);
        int64_t other = fixture_update(*state, "docker/other");
        fixture_place(*state, old, rows[i].stage, rows[i].result);
        fixture_now_ms += 1000;
        int64_t fresh = fixture_update(*state, name);
        assert_true(fresh > old);
        struct update update = fixture_find(*state, old);
        assert_string_equal(fixture_result(update.result), rows[i].after);
        if (strcmp(rows[i].after, "superseded") == 0) {
            char push[ID_TEXT_SIZE];
            struct update newer = fixture_find(*state, fresh);
            assert_non_null(strstr(update.reason, id_text("psh", newer.push, push)));
            update_release(&newer);
            assert_int_equal(update.finished_ms, fixture_now_ms);
            CLEANUP(json_release) json_t *history = store_history(*state, old);
            json_t *last = json_array_get(history, json_array_size(history) - 1);
            assert_string_equal(json_text(last, "event"), "superseded");
        }
        update_release(&update);
        assert_result(*state, fresh, "");
        assert_result(*state, other, "");
        fixture_place(*state, other, "policy", "cancelled");
    }
}

static void match_can_close_at_once(void **state) {
    int64_t open = fixture_update(*state, "docker/site");
    int64_t push = fixture_push(*state, "ghcr.io/brian/site:1.4");
    struct store_window window = {.platform = "docker", .limit = 10};
    struct pushes pushes = {0};
    struct err err = ERR_INIT;
    assert_true(store_unmatched(*state, &window, &pushes, &err));
    struct target target = fixture_target("docker/site");
    struct store_match item = {.push = &pushes.items[0],
                               .target = &target,
                               .result = RESULT_FAILED,
                               .reason = "left alone"};
    struct store_matches matches = {.platform = "docker",
                                    .through = push,
                                    .items = &item,
                                    .count = 1,
                                    .pushes = &pushes,
                                    .now_ms = fixture_now_ms};
    assert_true(store_match(*state, &matches, &err));
    pushes_release(&pushes);
    struct store_filter filter = {.push = push, .limit = 10};
    struct updates updates = {0};
    assert_true(store_update_list(*state, &filter, &updates, &err));
    assert_int_equal(updates.count, 1);
    assert_string_equal(fixture_result(updates.items[0].result), "failed");
    assert_string_equal(updates.items[0].reason, "left alone");
    assert_int_equal(updates.items[0].finished_ms, fixture_now_ms);
    updates_release(&updates);
    assert_result(*state, open, "");
}

static void match_stores_all_or_nothing(void **state) {
    int64_t old = fixture_update(*state, "docker/site");
    (void)fixture_push(*state, "ghcr.io/brian/site:1.4");
    struct store_window window = {.platform = "docker", .limit = 10};
    struct pushes pushes = {0};
    struct err err = ERR_INIT;
    assert_true(store_unmatched(*state, &window, &pushes, &err));
    struct target target = fixture_target("docker/site");
    struct store_match item = {.push = &pushes.items[0], .target = &target};
    struct store_matches matches = {.platform = "docker",
                                    .through = pushes.items[0].id,
                                    .items = &item,
                                    .count = 1,
                                    .pushes = &pushes,
                                    .now_ms = fixture_now_ms};
    struct store *store = *state;
    struct store *other = fixture_open();
    (void)sqlite3_busy_timeout(store->db, 10);
    /* as another process would */
    assert_int_equal(sqlite3_exec(other->db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_false(store_match(store, &matches, &err));
    assert_int_equal(err.kind, ERR_TRANSIENT);
    store_rollback(other);
    store_free(other);

    /* A failure in the middle: the old update is superseded, the new one cannot be added. */
    assert_int_equal(sqlite3_exec(store->db,
                                  "CREATE TEMP TRIGGER full BEFORE INSERT ON main.updates BEGIN "
                                  "SELECT RAISE(ABORT, 'full'); END",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    assert_false(store_match(store, &matches, &err));
    assert_result(store, old, "");
    assert_int_equal(fixture_unmatched(store, "docker"), 1);
    assert_int_equal(sqlite3_exec(store->db, "DROP TRIGGER full", NULL, NULL, NULL), SQLITE_OK);

    assert_true(store_match(store, &matches, &err));
    pushes_release(&pushes);
    assert_result(store, old, "superseded");
    assert_int_equal(fixture_unmatched(store, "docker"), 0);
}

static void coalesced_pushes_name_the_newer(void **state) {
    int64_t first = fixture_push(*state, "ghcr.io/brian/site:1.4");
    int64_t second = fixture_push(*state, "ghcr.io/brian/site:1.4");
    struct store_window window = {.platform = "docker", .limit = 10};
    struct pushes pushes = {0};
    struct err err = ERR_INIT;
    assert_true(store_unmatched(*state, &window, &pushes, &err));
    assert_int_equal(pushes.count, 2);
    pushes.items[0].superseded_by = second;
    struct target target = fixture_target("docker/site");
    struct store_match item = {.push = &pushes.items[1], .target = &target};
    struct store_matches matches = {.platform = "docker",
                                    .through = second,
                                    .items = &item,
                                    .count = 1,
                                    .pushes = &pushes,
                                    .now_ms = fixture_now_ms};
    assert_true(store_match(*state, &matches, &err));
    pushes_release(&pushes);
    struct push push = {0};
    assert_true(store_push_find(*state, first, &push, &err));
    assert_int_equal(push.superseded_by, second);
    push_release(&push);
    assert_true(store_push_find(*state, second, &push, &err));
    assert_int_equal(push.superseded_by, 0);
    push_release(&push);
    size_t open = 99;
    assert_true(store_count_open(*state, first, &open, &err));
    assert_int_equal(open, 0);
    assert_true(store_count_open(*state, second, &open, &err));
    assert_int_equal(open, 1);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, start, fixture_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(match_makes_an_open_update),      TEST(match_supersedes_only_before_apply),
        TEST(match_can_close_at_once),         TEST(match_stores_all_or_nothing),
        TEST(coalesced_pushes_name_the_newer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
