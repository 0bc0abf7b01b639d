/* Databases of earlier versions are migrated, and lose nothing. */
#include "agent/store/internal.h"
#include "base/json.h"
#include "tests/unit/agent/dump.h"

/* In the order of their ids, as tests/data/migrations/make_23b84f4.c made them. */
static const struct expected {
    const char *target, *stage;
    const char *group, *depends_on; /* group: NULL not known; depends_on: NULL none */
    const char *step, *result;
    bool back, approved, waits_for_room;
} expected[] = {
    {.target = "dry/updated", .stage = "settle", .result = "updated", .step = "start"},
    {.target = "dry/undone",
     .stage = "settle",
     .result = "rolled-back",
     .step = "prepare",
     .back = true},
    {.target = "dry/verified", .stage = "verify", .group = ""},
    {.target = "dry/asking", .stage = "resolve", .group = ""},
    {.target = "dry/fetching", .stage = "fetch", .group = ""},
    {.target = "dry/held", .stage = "gate", .group = ""},
    {.target = "dry/unapproved", .stage = "gate", .group = ""},
    {.target = "dry/approved", .stage = "gate", .group = "", .approved = true},
    {.target = "dry/first", .stage = "observe", .group = "*/web", .step = "start"},
    {.target = "dry/second", .stage = "gate", .group = "*/web"},
    {.target = "dry/db", .stage = "fetch", .group = ""},
    {.target = "dry/app", .stage = "gate", .group = "", .depends_on = "db"},
    {.target = "dry/created", .stage = "apply", .group = "", .step = "create"},
    {.target = "dry/stopped", .stage = "apply", .group = "", .step = "start"},
    {.target = "dry/observed", .stage = "observe", .group = "", .step = "start"},
    {.target = "dry/committing", .stage = "settle", .group = "", .step = "start"},
    {.target = "dry/undoing", .stage = "settle", .group = "", .step = "start", .back = true},
    {.target = "dry/crowded", .stage = "gate", .group = "", .waits_for_room = true},
    {.target = "dry/matched", .stage = "policy"},
};

/* The rows as the earlier version wrote them. */
static struct before {
    json_t *journals[ARRAY_LENGTH(expected)];
    int64_t revisions[ARRAY_LENGTH(expected)];
    int64_t not_before_ms[ARRAY_LENGTH(expected)];
    int64_t history, audit, shared;
} before;

static int64_t raw_number(sqlite3 *db, const char *sql) {
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t number = sqlite3_column_int64(statement, 0);
    (void)sqlite3_finalize(statement);
    return number;
}

static void note_before(sqlite3 *db) {
    sqlite3_stmt *rows = NULL;
    assert_int_equal(sqlite3_prepare_v2(db,
                                        "SELECT journal, revision, not_before FROM updates "
                                        "ORDER BY id",
                                        -1, &rows, NULL),
                     SQLITE_OK);
    for (size_t i = 0; i < ARRAY_LENGTH(expected); i++) {
        assert_int_equal(sqlite3_step(rows), SQLITE_ROW);
        before.journals[i] = json_loads((const char *)sqlite3_column_text(rows, 0), 0, NULL);
        before.revisions[i] = sqlite3_column_int64(rows, 1);
        before.not_before_ms[i] = sqlite3_column_int64(rows, 2);
        assert_non_null(before.journals[i]);
    }
    assert_int_equal(sqlite3_step(rows), SQLITE_DONE);
    (void)sqlite3_finalize(rows);
    before.history = raw_number(db, "SELECT count(*) FROM history");
    before.audit = raw_number(db, "SELECT count(*) FROM audit");
    before.shared = raw_number(db, "SELECT count(*) FROM shared");
}

static int take_up(void **state, const char *name) {
    if (fixture_setup(state) != 0) {
        return -1;
    }
    fixture_now_ms += 60000; /* after all times in the dump */
    sqlite3 *db = dump_restore(*state, name);
    assert_int_equal(raw_number(db, "PRAGMA user_version"), 4);
    note_before(db);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    *state = fixture_open();
    return 0;
}

static int single(void **state) {
    return take_up(state, "23b84f4-single");
}

static int replicas(void **state) {
    return take_up(state, "23b84f4-replicas");
}

static int teardown(void **state) {
    for (size_t i = 0; i < ARRAY_LENGTH(expected); i++) {
        json_decref(before.journals[i]);
    }
    return fixture_teardown(state);
}

static void all_updates(struct store *store, struct updates *out) {
    const struct store_filter filter = {.limit = STORE_LIST_MAX};
    struct err err = ERR_INIT;
    assert_true(store_update_list(store, &filter, out, &err));
    assert_int_equal(out->count, ARRAY_LENGTH(expected));
}

/* The i-th by id: the list is the newest first. */
static const struct update *update_at(const struct updates *updates, size_t i) {
    return &updates->items[updates->count - 1 - i];
}

/* ---- versions ---- */

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

static void newer_schema_is_refused(void **state) {
    execute(*state, "PRAGMA user_version=99");
    struct store *other = NULL;
    struct err err = ERR_INIT;
    assert_false(store_open(fixture_directory, &other, &err));
    assert_null(other);
    assert_int_equal(err.kind, ERR_INVALID);
    assert_non_null(strstr(err.message, "newer landwaiter"));
    assert_non_null(strstr(err.message, "another state directory"));
    assert_non_null(strstr(err.message, "landwaiter.db"));
    assert_int_equal(number(*state, "PRAGMA user_version"), 99);
}

/* The schema of the first release. */
static const char version_1[] =
    "CREATE TABLE pushes(id INTEGER PRIMARY KEY, lead INTEGER NOT NULL, sender TEXT NOT NULL,"
    " image TEXT NOT NULL, digest TEXT NOT NULL, meta TEXT, received INTEGER NOT NULL,"
    " superseded_by INTEGER NOT NULL DEFAULT 0, key BLOB, body BLOB);"
    "CREATE UNIQUE INDEX pushes_key ON pushes(key) WHERE key IS NOT NULL;"
    "CREATE INDEX pushes_lead ON pushes(lead) WHERE lead <> id;"
    "CREATE TABLE platforms(name TEXT PRIMARY KEY, through INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE updates(id INTEGER PRIMARY KEY, push INTEGER NOT NULL, target TEXT NOT NULL,"
    " instance TEXT NOT NULL, image TEXT NOT NULL, stage TEXT NOT NULL, result TEXT,"
    " reason TEXT NOT NULL, from_digest TEXT NOT NULL, to_digest TEXT NOT NULL,"
    " not_before INTEGER NOT NULL, stage_since INTEGER NOT NULL, attempts INTEGER NOT NULL,"
    " created INTEGER NOT NULL, finished INTEGER NOT NULL, changed INTEGER NOT NULL,"
    " revision INTEGER NOT NULL, step TEXT NOT NULL, back INTEGER NOT NULL, journal TEXT NOT NULL);"
    "CREATE INDEX updates_open ON updates(not_before) WHERE result IS NULL;"
    "CREATE INDEX updates_due ON updates(stage = 'fetch', not_before, changed) WHERE result IS "
    "NULL;"
    "CREATE INDEX updates_target ON updates(target) WHERE result IS NULL;"
    "CREATE INDEX updates_push ON updates(push);"
    "CREATE TABLE history(id INTEGER PRIMARY KEY, subject INTEGER NOT NULL, at INTEGER NOT NULL,"
    " stage TEXT NOT NULL, event TEXT NOT NULL, detail TEXT NOT NULL);"
    "CREATE INDEX history_subject ON history(subject);"
    "CREATE TABLE rejected(target TEXT NOT NULL, digest TEXT NOT NULL, \"update\" INTEGER NOT NULL,"
    " at INTEGER NOT NULL, PRIMARY KEY(target, digest)) WITHOUT ROWID;"
    "CREATE TABLE probe(id INTEGER PRIMARY KEY, at INTEGER NOT NULL);"
    "PRAGMA user_version=1;";

static void version_1_is_migrated(void **state) {
    struct store *store = *state;
    execute(store, "DROP TABLE pushes; DROP TABLE updates; DROP TABLE platforms;"
                   "DROP TABLE history; DROP TABLE rejected; DROP TABLE probe; DROP TABLE holds;"
                   "DROP TABLE audit; DROP TABLE audit_base; DROP TABLE keys;"
                   "DROP TABLE keys_through; DROP TABLE shared; DROP TABLE inbox;"
                   "DROP TABLE arrivals; DROP TABLE usage;");
    execute(store, version_1);
    execute(store,
            "INSERT INTO pushes(id, lead, sender, image, digest, received, key, body) VALUES(5, "
            "5, 'ci', 'ghcr.io/brian/site:1.4', '', 1000, x'"
            "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef', x'00');"
            "INSERT INTO updates VALUES(6, 5, 'docker/site', 'i', 'ghcr.io/brian/site:1.4', "
            "'gate', NULL, 'waits', '', '" FIXTURE_DIGEST(
                "2") "', 0, 1, 2, 3, 0, 4, 7, '', "
                     "0, '{\"a\":1,\"group\":\"shop\",\"depends_on\":[\"x\",\"y\"],"
                     "\"room\":true}');"
                     "INSERT INTO history VALUES(1, 6, 1000, 'match', 'created', '');");
    store_free(store);
    *state = fixture_open();
    assert_int_equal(number(*state, "PRAGMA user_version"), 7);
    assert_int_equal(number(*state, "SELECT bytes FROM usage WHERE sender = 'ci'"), 424);
    assert_int_equal(number(*state, "SELECT push FROM keys"), 5);
    assert_int_equal(number(*state, "SELECT through FROM keys_through"), 5);
    struct update update = fixture_find(*state, 6);
    assert_string_equal(stage_text(update.stage), "gate");
    assert_string_equal(update.approved, "");
    assert_int_equal(update.revision, 7);
    assert_string_equal(update.journal, "{\"a\":1}");
    assert_true(update.order.known);
    assert_string_equal(update.order.group, "*/shop");
    assert_string_equal(update.order.depends_on, "x,y");
    assert_true(update.order.waits_for_room);
    memcpy(update.approved, update.to, sizeof update.approved);
    fixture_save(*state, &update);
    update_release(&update);
    update = fixture_find(*state, 6);
    assert_string_equal(update.approved, FIXTURE_DIGEST("2"));
    update_release(&update);
    int64_t broken = 0;
    size_t count = 0;
    struct err err = ERR_INIT;
    assert_true(store_audit_verify(*state, &broken, &count, &err));
    assert_int_equal(count, 1);
    struct hold hold = {0};
    assert_false(store_held(*state, "docker/site", fixture_now_ms, &hold));
    CLEANUP(json_release) json_t *history = store_history(*state, 6);
    assert_int_equal(json_array_size(history), 2);
}

/* ---- updates ---- */

static void every_update_keeps_its_stage(void **state) {
    CLEANUP(updates_release) struct updates updates = {0};
    all_updates(*state, &updates);
    for (size_t i = 0; i < ARRAY_LENGTH(expected); i++) {
        const struct update *update = update_at(&updates, i);
        assert_string_equal(update->target, expected[i].target);
        assert_string_equal(stage_text(update->stage), expected[i].stage);
        assert_string_equal(fixture_result(update->result),
                            expected[i].result ? expected[i].result : "");
        assert_string_equal(update->step, expected[i].step ? expected[i].step : "");
        assert_int_equal(update->back, expected[i].back);
        assert_string_equal(update->approved, expected[i].approved ? update->to : "");
        assert_true(update->revision == before.revisions[i]);
        assert_true(update->not_before_ms == before.not_before_ms[i]);
    }
}

static void the_columns_of_the_gate_are_filled(void **state) {
    CLEANUP(updates_release) struct updates updates = {0};
    all_updates(*state, &updates);
    for (size_t i = 0; i < ARRAY_LENGTH(expected); i++) {
        const struct update_order *order = &update_at(&updates, i)->order;
        assert_int_equal(order->known, expected[i].group != NULL);
        assert_string_equal(order->group, expected[i].group ? expected[i].group : "");
        assert_string_equal(order->depends_on ? order->depends_on : "",
                            expected[i].depends_on ? expected[i].depends_on : "");
        assert_int_equal(order->waits_for_room, expected[i].waits_for_room);
    }
}

static void journals_keep_everything_else(void **state) {
    static const char *const moved[] = {"group", "depends_on", "room"};
    CLEANUP(updates_release) struct updates updates = {0};
    all_updates(*state, &updates);
    for (size_t i = 0; i < ARRAY_LENGTH(expected); i++) {
        json_t *now = json_loads(update_at(&updates, i)->journal, 0, NULL);
        for (size_t m = 0; !expected[i].result && m < ARRAY_LENGTH(moved); m++) {
            (void)json_object_del(before.journals[i], moved[m]);
        }
        if (!json_equal(now, before.journals[i])) {
            fail_msg("%s: %s", expected[i].target, update_at(&updates, i)->journal);
        }
        json_decref(now);
    }
}

/* ---- the rest ---- */

static void history_and_audit_are_whole(void **state) {
    struct store *store = *state;
    struct err err = ERR_INIT;
    int64_t broken = 0;
    size_t count = 0;
    assert_true(store_audit_verify(store, &broken, &count, &err));
    assert_true(before.audit > 0 && (int64_t)count == before.audit);
    assert_true(raw_number(store->db, "SELECT count(*) FROM history") == before.history);
    CLEANUP(updates_release) struct updates updates = {0};
    all_updates(store, &updates);
    for (size_t i = 0; i < ARRAY_LENGTH(expected); i++) {
        json_t *lines = store_history(store, update_at(&updates, i)->id);
        assert_string_equal(json_text(json_array_get(lines, 0), "event"), "created");
        json_decref(lines);
    }
}

static void holds_and_rejected_digests_are_kept(void **state) {
    struct hold hold;
    int64_t update = 0;
    assert_true(store_held(*state, "dry/held", fixture_now_ms, &hold));
    assert_string_equal(hold.reason, "guests");
    assert_false(store_held(*state, "dry/app", fixture_now_ms, &hold));
    assert_true(store_rejected(*state, "dry/undone", FIXTURE_DIGEST("2"), &update));
    assert_false(store_rejected(*state, "dry/updated", FIXTURE_DIGEST("2"), &update));
}

static void the_push_that_nobody_looked_at_is_still_to_be_matched(void **state) {
    assert_int_equal(fixture_unmatched(*state, "dry"), 1);
}

static void replays_are_still_known(void **state) {
    static const char text[] = "ghcr.io/brian/app:1.4";
    struct source_image image = {.meta = NULL};
    struct webhook_delivery delivery = fixture_delivery(&image, text, text, text);
    fixture_accept(*state, &delivery);
    assert_int_equal(delivery.outcome, WEBHOOK_DUPLICATE);
}

static void new_ids_follow_the_old_ones(void **state) {
    int64_t newest = raw_number(((struct store *)*state)->db, "SELECT max(id) FROM pushes");
    assert_true(fixture_push(*state, "ghcr.io/brian/other:1") > newest);
}

static void opened_again_it_is_migrated_no_second_time(void **state) {
    store_free(*state);
    *state = fixture_open();
    every_update_keeps_its_stage(state);
    the_columns_of_the_gate_are_filled(state);
}

static void sharing_goes_on(void **state) {
    struct store *store = *state;
    assert_true(store->shared);
    assert_true(before.shared > 0);
    assert_true(raw_number(store->db, "SELECT count(*) FROM shared") == before.shared);
    CLEANUP(updates_release) struct updates updates = {0};
    all_updates(store, &updates);
    char sql[128];
    (void)snprintf(sql, sizeof sql, "SELECT dirty FROM shared WHERE kind = 2 AND key = %lld",
                   (long long)updates.items[0].id);
    int64_t dirty = raw_number(store->db, sql);
    fixture_place(store, updates.items[0].id, "resolve", NULL);
    assert_true(raw_number(store->db, sql) == dirty + 1);
}

int main(void) {
#define TEST(setup, name)                                                                          \
    { #setup ": " #name, name, setup, teardown, NULL }
#define BOTH(name) TEST(single, name), TEST(replicas, name)
    const struct CMUnitTest tests[] = {
        BOTH(every_update_keeps_its_stage),
        BOTH(the_columns_of_the_gate_are_filled),
        BOTH(journals_keep_everything_else),
        BOTH(history_and_audit_are_whole),
        BOTH(holds_and_rejected_digests_are_kept),
        BOTH(the_push_that_nobody_looked_at_is_still_to_be_matched),
        BOTH(replays_are_still_known),
        BOTH(new_ids_follow_the_old_ones),
        BOTH(opened_again_it_is_migrated_no_second_time),
        TEST(replicas, sharing_goes_on),
        cmocka_unit_test_setup_teardown(newer_schema_is_refused, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(version_1_is_migrated, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
