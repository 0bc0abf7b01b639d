/* The database itself: schema, lock, history, pruning, and that a kill at any instant loses nothing
 * that was acknowledged. */
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

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

/* ---- opening ---- */

static void commits_are_durable(void **state) {
    assert_int_equal(number(*state, "PRAGMA synchronous"), 2);
    struct stat about;
    assert_int_equal(stat(fixture_directory, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0700);
    sqlite3_stmt *mode = NULL;
    struct store *store = *state;
    assert_int_equal(sqlite3_prepare_v2(store->db, "PRAGMA journal_mode", -1, &mode, NULL), 0);
    assert_int_equal(sqlite3_step(mode), SQLITE_ROW);
    assert_string_equal((const char *)sqlite3_column_text(mode, 0), "wal");
    (void)sqlite3_finalize(mode);
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

/* The schema as it was released first. */
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
                   "DROP TABLE arrivals;");
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
    assert_int_equal(number(*state, "PRAGMA user_version"), 5);
    assert_int_equal(number(*state, "SELECT push FROM keys"), 5);
    assert_int_equal(number(*state, "SELECT through FROM keys_through"), 5);
    struct update update = fixture_find(*state, 6);
    assert_string_equal(stage_text(update.stage), "gate");
    assert_string_equal(update.approved, "");
    assert_int_equal(update.revision, 7);
    assert_string_equal(update.journal, "{\"a\":1}");
    assert_true(update.order.known);
    assert_string_equal(update.order.group, "shop");
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

static void no_database_is_refused(void **state) {
    store_free(*state);
    *state = NULL;
    int fd = open(fixture_path("landwaiter.db"), O_WRONLY | O_TRUNC);
    assert_true(fd >= 0);
    for (int i = 0; i < 200; i++) {
        assert_int_equal(write(fd, "this is no database ", 20), 20);
    }
    assert_int_equal(close(fd), 0);
    (void)unlink(fixture_path("landwaiter.db-wal"));
    struct store *other = NULL;
    struct err err = ERR_INIT;
    assert_false(store_open(fixture_directory, &other, &err));
    assert_int_equal(err.kind, ERR_INVALID);
    assert_non_null(strstr(err.message, "landwaiter.db"));
}

static void missing_parent_and_long_names_are_refused(void **state) {
    (void)state;
    struct store *other = NULL;
    struct err err = ERR_INIT;
    assert_false(store_open(fixture_path("not/there"), &other, &err));
    assert_int_equal(err.kind, ERR_INVALID);
    assert_non_null(strstr(err.message, "state:"));
    char name[5000];
    size_t base = strlen(fixture_directory);
    memcpy(name, fixture_directory, base);
    memset(name + base, '/', sizeof name - base);
    (void)snprintf(name + 4085, sizeof name - 4085, "x");
    assert_false(store_open(name, &other, &err));
    assert_int_equal(err.kind, ERR_INVALID);
    assert_int_equal(store_lock(name, &err), -1);
    assert_int_equal(rmdir(fixture_path("x")), 0);
}

static void second_lock_is_refused(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    int first = store_lock(fixture_directory, &err);
    assert_true(first >= 0);
    assert_int_equal(store_lock(fixture_directory, &err), -1);
    assert_int_equal(err.kind, ERR_INVALID);
    assert_non_null(strstr(err.message, "another landwaiter"));
    assert_int_equal(close(first), 0);
    int second = store_lock(fixture_directory, &err);
    assert_true(second >= 0);
    assert_int_equal(close(second), 0);
}

static void snapshot_does_not_see_what_comes(void **state) {
    struct store *other = fixture_open();
    struct err err = ERR_INIT;
    int64_t first = fixture_push(other, "ghcr.io/a/b:1");
    assert_true(store_snapshot(*state, &err));
    struct push push = {0};
    assert_true(store_push_find(*state, first, &push, &err));
    push_release(&push);
    int64_t second = fixture_push(other, "ghcr.io/a/b:2");
    assert_false(store_push_find(*state, second, &push, &err));
    store_snapshot_end(*state);
    assert_true(store_push_find(*state, second, &push, &err));
    push_release(&push);
    assert_true(fixture_push(*state, "ghcr.io/a/b:3") > second);
    store_free(other);
}

/* ---- history ---- */

static void add_line(struct store *store, int64_t subject, const char *detail) {
    struct store_history_line line = {.subject = subject,
                                      .at_ms = fixture_now_ms,
                                      .stage = "gate",
                                      .event = "wait",
                                      .detail = detail};
    struct err err = ERR_INIT;
    assert_true(store_history_add(store, &line, &err));
}

static void history_is_in_order(void **state) {
    add_line(*state, 7, "one");
    fixture_now_ms += 1000;
    add_line(*state, 8, "another's");
    add_line(*state, 7, NULL);
    CLEANUP(json_release) json_t *history = store_history(*state, 7);
    CLEANUP(json_release)
    json_t *expected =
        json_pack("[{ssssssss}{ssssssss}]", "at", "2026-11-20T12:00:00.123Z", "stage", "gate",
                  "event", "wait", "detail", "one", "at", "2026-11-20T12:00:01.123Z", "stage",
                  "gate", "event", "wait", "detail", "");
    assert_true(json_equal(history, expected));
    CLEANUP(json_release) json_t *none = store_history(*state, 9);
    assert_int_equal(json_array_size(none), 0);
}

static void history_keeps_lines_with_foreign_bytes(void **state) {
    add_line(*state, 7, "exited: \xff\xfe caf\xc3");
    CLEANUP(json_release) json_t *history = store_history(*state, 7);
    assert_int_equal(json_array_size(history), 1);
    assert_string_equal(json_text(json_array_get(history, 0), "detail"),
                        "exited: \xEF\xBF\xBD\xEF\xBF\xBD caf\xEF\xBF\xBD");
}

static void history_shows_the_newest(void **state) {
    struct err err = ERR_INIT;
    assert_true(store_begin(*state, &err));
    for (int i = 0; i < 1500; i++) {
        char detail[16];
        (void)snprintf(detail, sizeof detail, "%d", i);
        add_line(*state, 7, detail);
    }
    assert_true(store_commit(*state, &err));
    CLEANUP(json_release) json_t *history = store_history(*state, 7);
    assert_int_equal(json_array_size(history), 1000);
    assert_string_equal(json_text(json_array_get(history, 0), "detail"), "500");
    assert_string_equal(json_text(json_array_get(history, 999), "detail"), "1499");
}

/* ---- rejected digests ---- */

static void rejected_until_taken_back(void **state) {
    struct update update = {.id = 42, .target = "docker/site", .to = FIXTURE_DIGEST("2")};
    struct err err = ERR_INIT;
    int64_t which = 0;
    assert_false(store_rejected(*state, "docker/site", FIXTURE_DIGEST("2"), &which));
    assert_true(store_reject(*state, &update, &err));
    store_free(*state);
    *state = fixture_open();
    assert_true(store_rejected(*state, "docker/site", FIXTURE_DIGEST("2"), &which));
    assert_int_equal(which, 42);
    assert_false(store_rejected(*state, "docker/other", FIXTURE_DIGEST("2"), &which));
    assert_false(store_rejected(*state, "docker/site", FIXTURE_DIGEST("3"), &which));
    update.id = 43;
    assert_true(store_reject(*state, &update, &err));
    assert_true(store_rejected(*state, "docker/site", FIXTURE_DIGEST("2"), &which));
    assert_int_equal(which, 43);
    assert_true(store_unreject(*state, "docker/other", FIXTURE_DIGEST("2"), &err));
    assert_true(store_rejected(*state, "docker/site", FIXTURE_DIGEST("2"), &which));
    assert_true(store_unreject(*state, "docker/site", FIXTURE_DIGEST("2"), &err));
    assert_false(store_rejected(*state, "docker/site", FIXTURE_DIGEST("2"), &which));
}

/* ---- pruning ---- */

static void prune_keeps_what_is_open_or_young(void **state) {
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

static void prune_keeps_what_nobody_looked_at(void **state) {
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

static void prune_keeps_what_was_rolled_back(void **state) {
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

/* ---- kill -9 ---- */

#define ROUNDS 50
#define BATCH 3

/* Accepts without end and tells of each batch after it was acknowledged. */
static void accept_for_ever(int out) {
    struct store *store = NULL;
    struct err err = ERR_INIT;
    if (!store_open(fixture_directory, &store, &err)) {
        _exit(1);
    }
    struct source_image images[2] = {0};
    if (!ref_parse("ghcr.io/a/b:1", &images[0].ref, &err) ||
        !ref_parse("ghcr.io/a/c:1", &images[1].ref, &err)) {
        _exit(1);
    }
    for (;;) {
        struct webhook_delivery deliveries[BATCH] = {0};
        struct webhook_delivery *batch[BATCH];
        int64_t ids[BATCH];
        for (size_t i = 0; i < BATCH; i++) {
            deliveries[i] = (struct webhook_delivery){.sender = "ci", .images = images, .count = 2};
            batch[i] = &deliveries[i];
        }
        store_accept(store, batch, BATCH, clock_now_ms());
        for (size_t i = 0; i < BATCH; i++) {
            if (deliveries[i].outcome != WEBHOOK_ACCEPTED ||
                !id_parse("psh", deliveries[i].id, &ids[i])) {
                _exit(1);
            }
        }
        if (write(out, ids, sizeof ids) != (ssize_t)sizeof ids) {
            _exit(1);
        }
    }
}

static void check_stored(struct store *store, int64_t lead) {
    struct push push = {0};
    struct pushes followers = {0};
    struct err err = ERR_INIT;
    if (!store_push_find(store, lead, &push, &err)) {
        fail_msg("an acknowledged push was lost: %s", err.message);
    }
    push_release(&push);
    assert_true(store_push_followers(store, lead, &followers, &err));
    assert_int_equal(followers.count, 1);
    pushes_release(&followers);
}

/* Lets a child accept for a while, kills it, and gives how many pushes it had acknowledged. */
static size_t kill_round(struct store *watching, unsigned *seed, int64_t *in_out_largest) {
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        accept_for_ever(ends[1]);
    }
    assert_int_equal(close(ends[1]), 0);
    /* An instant: after some batches, and then anywhere within the next. */
    size_t acknowledged = 0;
    int64_t ids[4096];
    size_t wanted = (size_t)rand_r(seed) % 8;
    while (acknowledged < wanted * BATCH &&
           read(ends[0], ids + acknowledged, sizeof(int64_t) * BATCH) > 0) {
        acknowledged += BATCH;
    }
    for (volatile int spin = rand_r(seed) % 400000; spin > 0; spin--) {
    }
    assert_int_equal(kill(child, SIGKILL), 0);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    while (acknowledged + BATCH <= ARRAY_LENGTH(ids) &&
           read(ends[0], ids + acknowledged, sizeof(int64_t) * BATCH) > 0) {
        acknowledged += BATCH;
    }
    assert_int_equal(close(ends[0]), 0);

    CLEANUP(store_release) struct store *store = fixture_open();
    for (size_t i = 0; i < acknowledged; i++) {
        assert_true(ids[i] > *in_out_largest);
        *in_out_largest = ids[i];
        check_stored(store, ids[i]);
        check_stored(watching, ids[i]);
    }
    /* Batches are whole, acknowledged or not. */
    assert_int_equal(number(store, "SELECT count(*) FROM pushes") % (BATCH * 2), 0);
    return acknowledged;
}

static void kill_loses_nothing_acknowledged(void **state) {
    unsigned seed = (unsigned)getpid();
    print_message("seed %u\n", seed);
    clock_replace(NULL);
    int64_t largest = 0;
    size_t acknowledged = 0;
    for (int i = 0; i < ROUNDS; i++) {
        acknowledged += kill_round(*state, &seed, &largest);
    }
    assert_true(acknowledged > ROUNDS);
    struct store *store = *state;
    sqlite3_stmt *check = NULL;
    assert_int_equal(sqlite3_prepare_v2(store->db, "PRAGMA integrity_check", -1, &check, NULL), 0);
    assert_int_equal(sqlite3_step(check), SQLITE_ROW);
    assert_string_equal((const char *)sqlite3_column_text(check, 0), "ok");
    (void)sqlite3_finalize(check);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(commits_are_durable),
        TEST(newer_schema_is_refused),
        TEST(version_1_is_migrated),
        TEST(no_database_is_refused),
        TEST(missing_parent_and_long_names_are_refused),
        TEST(second_lock_is_refused),
        TEST(snapshot_does_not_see_what_comes),
        TEST(history_is_in_order),
        TEST(history_keeps_lines_with_foreign_bytes),
        TEST(history_shows_the_newest),
        TEST(rejected_until_taken_back),
        TEST(prune_keeps_what_is_open_or_young),
        TEST(prune_keeps_what_nobody_looked_at),
        TEST(prune_copes_with_many),
        TEST(prune_keeps_what_was_rolled_back),
        TEST(kill_loses_nothing_acknowledged),
    };
    return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
