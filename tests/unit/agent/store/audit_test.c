/* The audit trail keeps the actor of each decision, and shows every way of tampering with its rows.
 */
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

static void execute(struct store *store, const char *sql) {
    char *message = NULL;
    if (sqlite3_exec(store->db, sql, NULL, NULL, &message) != SQLITE_OK) {
        fail_msg("%s: %s", sql, message);
    }
}

static void add(struct store *store, const char *subject, const char *detail) {
    struct store_audit_entry entry = {
        .at_ms = fixture_now_ms, .subject = subject, .event = "next", .detail = detail};
    struct err err = ERR_INIT;
    assert_true(store_audit_add(store, &entry, &err));
}

static void add_many(struct store *store, int count) {
    struct err err = ERR_INIT;
    assert_true(store_begin(store, &err));
    for (int i = 0; i < count; i++) {
        add(store, "upd_0000000000001", "a detail");
        fixture_now_ms += 1000;
    }
    assert_true(store_commit(store, &err));
}

static void assert_whole(struct store *store, size_t entries) {
    int64_t broken = -1;
    size_t count = 0;
    struct err err = ERR_INIT;
    if (!store_audit_verify(store, &broken, &count, &err)) {
        fail_msg("%s", err.message);
    }
    assert_int_equal(broken, 0);
    assert_int_equal(count, entries);
}

static void assert_broken(struct store *store, int64_t at) {
    int64_t broken = 0;
    size_t count = 0;
    struct err err = ERR_INIT;
    assert_false(store_audit_verify(store, &broken, &count, &err));
    assert_int_equal(broken, at);
    assert_int_equal(err.kind, ERR_INVALID);
}

static void assert_entry(const json_t *list, size_t at, const char *const wanted[4]) {
    const json_t *entry = json_array_get(list, at);
    static const char *const members[] = {"actor", "subject", "event", "detail"};
    for (size_t i = 0; i < ARRAY_LENGTH(members); i++) {
        assert_string_equal(json_text(entry, members[i]), wanted[i]);
    }
    assert_int_equal(strlen(json_text(entry, "hash")), 2 * DIGEST_BYTES);
}

/* ---- writing ---- */

static void transitions_name_their_actor(void **state) {
    struct store *store = *state;
    int64_t id = fixture_update(store, "docker/site");
    struct update update = fixture_find(store, id);
    struct err err = ERR_INIT;
    struct store_event wait = {
        .stage = STAGE_GATE, .event = "wait", .detail = "waits", .fast = true};
    struct store_event step = {.stage = STAGE_APPLY, .event = "step", .detail = "stop the old one"};
    struct store_event quiet = {.stage = STAGE_GATE, .detail = "waits"};
    struct store_event yes = {
        .stage = STAGE_GATE, .event = "approved", .detail = "by hand", .actor = "uid 0 (root)"};
    assert_int_equal(store_update_save(store, &update, &wait, &err), STORE_CHANGED);
    assert_int_equal(store_update_save(store, &update, &step, &err), STORE_CHANGED);
    assert_int_equal(store_update_save(store, &update, &quiet, &err), STORE_CHANGED);
    assert_int_equal(store_update_save(store, &update, &yes, &err), STORE_CHANGED);
    int64_t newer = fixture_update(store, "docker/site");
    assert_whole(store, 5);

    char old_id[ID_TEXT_SIZE];
    char new_id[ID_TEXT_SIZE];
    char push[ID_TEXT_SIZE];
    char made[512];
    char gone[512];
    struct update other = fixture_find(store, newer);
    (void)snprintf(made, sizeof made, "match: ghcr.io/brian/site:1.4 for docker/site, %s (%s)",
                   FIXTURE_DIGEST("2"), id_text("psh", update.push, push));
    (void)snprintf(gone, sizeof gone, "match: a newer push of the image came: %s",
                   id_text("psh", other.push, push));
    (void)id_text("upd", id, old_id);
    (void)id_text("upd", newer, new_id);
    CLEANUP(json_release) json_t *list = store_audit(store, 100);
    assert_int_equal(json_array_size(list), 5);
    assert_entry(list, 4, (const char *const[]){"sender ci", old_id, "created", made});
    assert_entry(list, 3, (const char *const[]){"landwaiter", old_id, "wait", "gate: waits"});
    assert_entry(list, 2,
                 (const char *const[]){"uid 0 (root)", old_id, "approved", "gate: by hand"});
    assert_entry(list, 1, (const char *const[]){"sender ci", old_id, "superseded", gone});
    assert_string_equal(json_text(json_array_get(list, 0), "subject"), new_id);
    assert_int_equal(json_int(json_array_get(list, 0), "seq", 0), 5);
    assert_string_equal(json_text(json_array_get(list, 0), "at"), "2026-11-20T12:00:00.123Z");
    update_release(&other);
    update_release(&update);
    CLEANUP(json_release) json_t *two = store_audit(store, 2);
    assert_int_equal(json_array_size(two), 2);
}

static void pushes_alone_write_nothing(void **state) {
    for (int i = 0; i < 10; i++) {
        (void)fixture_push(*state, "ghcr.io/a/b:1");
    }
    assert_whole(*state, 0);
}

static void what_is_rolled_back_leaves_no_entry(void **state) {
    struct store *store = *state;
    struct err err = ERR_INIT;
    int64_t id = fixture_update(store, "docker/site");
    struct update update = fixture_find(store, id);
    update.revision += 7;
    struct store_event wait = {.event = "wait", .detail = "waits"};
    assert_int_equal(store_update_save(store, &update, &wait, &err), STORE_LOST);
    update_release(&update);
    assert_true(store_begin(store, &err));
    add(store, "upd_0000000000001", "lost");
    store_rollback(store);
    assert_whole(store, 1);
    add(store, "upd_0000000000001", "kept");
    assert_whole(store, 2);
}

/* All connections write one chain. */
static void connections_share_the_chain(void **state) {
    struct store *other = fixture_open();
    for (int i = 0; i < 20; i++) {
        add(i % 3 ? *state : other, "docker/site", "x");
    }
    assert_whole(other, 20);
    store_free(other);
    store_free(*state);
    *state = fixture_open();
    add(*state, "docker/site", "after a restart");
    assert_whole(*state, 21);
}

/* ---- tampering ---- */

static void tampering_is_found(void **state) {
    static const struct {
        const char *sql;
        int64_t broken;
    } rows[] = {
        {"UPDATE audit SET actor = 'landwaiter' || '!' WHERE seq = 5", 5},
        {"UPDATE audit SET subject = 'upd_0000000000002' WHERE seq = 5", 5},
        {"UPDATE audit SET event = 'wait' WHERE seq = 1", 1},
        {"UPDATE audit SET detail = detail || ' ' WHERE seq = 10", 10},
        {"UPDATE audit SET at = at + 1 WHERE seq = 7", 7},
        {"UPDATE audit SET hash = zeroblob(32) WHERE seq = 7", 7},
        {"UPDATE audit SET hash = x'00' WHERE seq = 7", 7},
        {"UPDATE audit SET hash = x'' WHERE seq = 10", 10},
        /* Letters moved from one member to the next. */
        {"UPDATE audit SET event = 'nex', detail = 'ta detail' WHERE seq = 3", 3},
        {"UPDATE audit SET subject = subject || event, event = '' WHERE seq = 3", 3},
        {"DELETE FROM audit WHERE seq = 5", 5},
        {"DELETE FROM audit WHERE seq = 1", 1},
        {"DELETE FROM audit WHERE seq = 10", 10},
        {"DELETE FROM audit WHERE seq > 3", 4},
        {"DELETE FROM audit", 1},
        {"DELETE FROM audit WHERE seq = 5; UPDATE audit SET seq = seq - 1 WHERE seq > 5", 5},
        /* Two entries swapped. */
        {"UPDATE audit SET seq = 99 WHERE seq = 4; UPDATE audit SET seq = 4 WHERE seq = 5;"
         "UPDATE audit SET seq = 5 WHERE seq = 99",
         4},
        {"UPDATE audit SET seq = 99 WHERE seq = 9; UPDATE audit SET seq = 9 WHERE seq = 10;"
         "UPDATE audit SET seq = 10 WHERE seq = 99",
         9},
        {"INSERT INTO audit SELECT 11, at, actor, subject, event, detail, hash FROM audit "
         "WHERE seq = 10",
         11},
        {"UPDATE audit_base SET hash = zeroblob(31)", 1},
        {"UPDATE audit_base SET seq = 3", 4},
    };
    add_many(*state, 10);
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        assert_whole(*state, 10);
        execute(*state, "CREATE TEMP TABLE keep AS SELECT * FROM audit;"
                        "CREATE TEMP TABLE base AS SELECT * FROM audit_base;");
        execute(*state, rows[i].sql);
        int64_t broken = 0;
        size_t count = 0;
        struct err err = ERR_INIT;
        if (store_audit_verify(*state, &broken, &count, &err)) {
            fail_msg("not noticed: %s", rows[i].sql);
        }
        if (broken != rows[i].broken) {
            fail_msg("%s: broken at %lld", rows[i].sql, (long long)broken);
        }
        assert_int_equal(
            count, rows[i].broken - 1 < 3 || i + 1 < ARRAY_LENGTH(rows) ? rows[i].broken - 1 : 0);
        /* A later entry does not hide the break. */
        add(*state, "docker/site", "later");
        assert_false(store_audit_verify(*state, &broken, &count, &err));
        execute(*state, "DELETE FROM audit; INSERT INTO audit SELECT * FROM keep;"
                        "UPDATE audit_base SET seq = (SELECT seq FROM base),"
                        " hash = (SELECT hash FROM base); DROP TABLE keep; DROP TABLE base;"
                        "UPDATE sqlite_sequence SET seq = 10 WHERE name = 'audit'");
    }
}

/* ---- pruning ---- */

static void pruning_keeps_the_chain(void **state) {
    struct store *store = *state;
    add_many(store, 1700);
    store_prune(store, FIXTURE_NOON + 1200 * 1000);
    assert_whole(store, 500);
    CLEANUP(json_release) json_t *list = store_audit(store, 1000);
    assert_int_equal(json_int(json_array_get(list, 499), "seq", 0), 1201);
    add(store, "docker/site", "later");
    assert_whole(store, 501);
    execute(store, "UPDATE audit SET detail = 'x' WHERE seq = 1201");
    assert_broken(store, 1201);
}

static void pruning_all_keeps_the_numbers(void **state) {
    struct store *store = *state;
    add_many(store, 10);
    store_prune(store, fixture_now_ms + 1);
    assert_whole(store, 0);
    add(store, "docker/site", "later");
    assert_whole(store, 1);
    CLEANUP(json_release) json_t *list = store_audit(store, 10);
    assert_int_equal(json_int(json_array_get(list, 0), "seq", 0), 11);
    execute(store, "DELETE FROM audit");
    assert_broken(store, 11);
}

/* The clock was set back: entries after a young one stay. */
static void pruning_leaves_no_hole(void **state) {
    struct store *store = *state;
    fixture_now_ms = FIXTURE_NOON + 500000;
    add(store, "docker/site", "in the future");
    fixture_now_ms = FIXTURE_NOON;
    add(store, "docker/site", "old");
    store_prune(store, FIXTURE_NOON + 1000);
    assert_whole(store, 2);
    store_prune(store, FIXTURE_NOON + 500001);
    assert_whole(store, 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, start, fixture_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(transitions_name_their_actor),
        TEST(pushes_alone_write_nothing),
        TEST(what_is_rolled_back_leaves_no_entry),
        TEST(connections_share_the_chain),
        TEST(tampering_is_found),
        TEST(pruning_keeps_the_chain),
        TEST(pruning_all_keeps_the_numbers),
        TEST(pruning_leaves_no_hole),
    };
    return cmocka_run_group_tests_name("store_audit", tests, NULL, NULL);
}
