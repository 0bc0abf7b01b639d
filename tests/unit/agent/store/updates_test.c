/* Updates: made once for each match, moved by one at a time, due when they should be. */
#include <pthread.h>
#include <stdatomic.h>

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

static void assert_result(struct store *store, int64_t id, const char *result) {
    struct update update = fixture_find(store, id);
    assert_string_equal(fixture_result(update.result), result);
    update_release(&update);
}

/* ---- matching ---- */

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

static void match_supersedes_only_what_is_not_applied(void **state) {
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
    /* as another process does */
    assert_int_equal(sqlite3_exec(other->db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_false(store_match(store, &matches, &err));
    assert_int_equal(err.kind, ERR_TRANSIENT);
    store_rollback(other);
    store_free(other);

    /* It fails in the middle: the target's update cannot be added after the old one was superseded.
     */
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

/* The history tells each stage that was passed, with its own time; or, where somebody else was
 * faster, none of them. */
static void stages_passed_are_stored_with_what_came_of_them(void **state) {
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

static int synchronous(struct store *store) {
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite3_prepare_v2(store->db, "PRAGMA synchronous", -1, &statement, NULL), 0);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int value = sqlite3_column_int(statement, 0);
    (void)sqlite3_finalize(statement);
    return value;
}

static int seen_synchronous;

static int note_synchronous(void *context) {
    seen_synchronous = synchronous(context);
    return 0;
}

/* Of all that is stored by the connection, only its saves do not wait for the disk. */
static void fast_is_for_one_save_only(void **state) {
    struct store *store = *state;
    int64_t id = fixture_update(store, "docker/site");
    struct update update = fixture_find(store, id);
    (void)sqlite3_commit_hook(store->db, note_synchronous, store);
    static const struct store_event fast = {.event = "step", .detail = "quick", .fast = true};
    struct err err = ERR_INIT;
    for (int i = 0; i < 5; i++) {
        assert_int_equal(store_update_save(store, &update, &fast, &err), STORE_CHANGED);
        assert_int_equal(seen_synchronous, 1);
        assert_int_equal(store_update_save(store, &update, &fast, &err), STORE_CHANGED);
        assert_int_equal(seen_synchronous, 1);
        assert_true(store_probe(store, &err)); /* a change by itself */
        assert_int_equal(seen_synchronous, 2);
        assert_int_equal(store_update_save(store, &update, &fast, &err), STORE_CHANGED);
        assert_true(store_begin(store, &err) && store_reject(store, &update, &err) &&
                    store_commit(store, &err)); /* a transaction */
        assert_int_equal(seen_synchronous, 2);
    }
    update.revision--;
    assert_int_equal(store_update_save(store, &update, &fast, &err), STORE_LOST);
    update.revision++;
    assert_true(store_probe(store, &err));
    assert_int_equal(seen_synchronous, 2);
    struct store *other = fixture_open();
    (void)sqlite3_busy_timeout(store->db, 10);
    /* as another process does */
    assert_int_equal(sqlite3_exec(other->db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(store_update_save(store, &update, &fast, &err), STORE_FAILED);
    assert_int_equal(err.kind, ERR_TRANSIENT);
    store_free(other);
    assert_true(store_probe(store, &err));
    assert_int_equal(seen_synchronous, 2);
    assert_int_equal(store_update_save(store, &update, &fast, &err), STORE_CHANGED);
    update_release(&update);
}

/* The log's own methods, but for the one that waits for the disk. */
static sqlite3_io_methods counted;
static int (*real_sync)(sqlite3_file *file, int flags);
static atomic_uint synced;
static bool disk_fails;

static int counting_sync(sqlite3_file *file, int flags) {
    (void)atomic_fetch_add(&synced, 1);
    return disk_fails ? SQLITE_IOERR_FSYNC : real_sync(file, flags);
}

static void count_the_disk(struct store *store) {
    sqlite3_file *log = NULL;
    assert_int_equal(sqlite3_file_control(store->db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log),
                     SQLITE_OK);
    if (log->pMethods != &counted) {
        counted = *log->pMethods;
        real_sync = counted.xSync;
        counted.xSync = counting_sync;
        log->pMethods = &counted;
    }
}

static unsigned synced_since(unsigned before) {
    return atomic_load(&synced) - before;
}

/* Only what may be lost with the power is stored without waiting for the disk. */
static void what_must_be_on_the_disk_is(void **state) {
    struct store *store = *state;
    int64_t id = fixture_update(store, "docker/site");
    struct update update = fixture_find(store, id);
    static const struct store_event fast = {.event = "step", .detail = "quick", .fast = true};
    struct err err = ERR_INIT;
    count_the_disk(store);
    for (int i = 0; i < 5; i++) {
        unsigned before = atomic_load(&synced);
        assert_int_equal(store_update_save(store, &update, &fast, &err), STORE_CHANGED);
        assert_int_equal(synced_since(before), 0);
        assert_int_equal(store_update_save(store, &update, &step, &err), STORE_CHANGED);
        assert_int_equal(synced_since(before), 1);
    }
    update_release(&update);
}

/* What may be lost with the power yet was not stored for whoever asked, who goes on from there. */
static void what_is_not_on_the_disk_is_not_stored(void **state) {
    struct store *store = *state;
    int64_t id = fixture_update(store, "docker/site");
    struct update update = fixture_find(store, id);
    struct err err = ERR_INIT;
    count_the_disk(store);
    update.stage = STAGE_APPLY;
    disk_fails = true;
    assert_int_equal(store_update_save(store, &update, &step, &err), STORE_FAILED);
    disk_fails = false;
    assert_int_equal(err.kind, ERR_TRANSIENT);
    struct update there = fixture_find(store, id);
    assert_string_equal(stage_text(there.stage), "apply");
    assert_int_equal(there.revision, update.revision); /* so that a wait can be stored */
    update_release(&there);
    assert_int_equal(store_update_save(store, &update, &step, &err), STORE_CHANGED);
    update_release(&update);
}

enum { SAVERS = 6, SAVES = 20 };

struct saver {
    pthread_t thread;
    int64_t id;
};

static void *save_many(void *context) {
    struct saver *saver = context;
    struct err err = ERR_INIT;
    struct update update = {0};
    struct store *store = NULL;
    bool good = store_open(fixture_directory, &store, &err) &&
                store_update_find(store, saver->id, &update, &err);
    for (int i = 0; good && i < SAVES; i++) {
        good = store_update_save(store, &update, &step, &err) == STORE_CHANGED;
    }
    update_release(&update);
    store_free(store);
    return good ? saver : NULL;
}

static void many_wait_for_the_disk_at_once(void **state) {
    struct saver savers[SAVERS] = {0};
    for (int i = 0; i < SAVERS; i++) {
        char target[32];
        (void)snprintf(target, sizeof target, "docker/site%d", i);
        savers[i].id = fixture_update(*state, target);
    }
    for (int i = 0; i < SAVERS; i++) {
        assert_int_equal(pthread_create(&savers[i].thread, NULL, save_many, &savers[i]), 0);
    }
    for (int i = 0; i < SAVERS; i++) {
        void *good = NULL;
        assert_int_equal(pthread_join(savers[i].thread, &good), 0);
        assert_ptr_equal(good, &savers[i]);
        struct update update = fixture_find(*state, savers[i].id);
        assert_int_equal(update.revision, SAVES);
        update_release(&update);
    }
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
        ids[i] = due.ids[i];
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
    /* Looked at, it waits from the new time on. */
    wait_until(*state, id, fixture_now_ms + 60000);
    assert_int_equal(due_ids(*state, ids), 0);
    assert_int_equal(store_next_due(*state, fixture_now_ms), fixture_now_ms + 60000);
}

/* A hundred pulls in the queue must not hide a container that is being observed. */
static void due_shows_what_does_not_fetch_first(void **state) {
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

static void due_leaves_out_what_has_no_place(void **state) {
    for (int i = 0; i < 100; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "docker/asks-%d", i);
        fixture_place(*state, fixture_update(*state, name), i % 2 ? "resolve" : "fetch", NULL);
    }
    int64_t observed = fixture_update(*state, "docker/observed");
    fixture_place(*state, observed, "observe", NULL);
    struct err err = ERR_INIT;
    struct store_due due = {.without = {STAGE_RESOLVE, STAGE_FETCH}, .without_count = 2};
    assert_true(store_due(*state, fixture_now_ms, &due, &err));
    assert_int_equal(due.count, 1);
    assert_int_equal(due.ids[0], observed);
    due.without_count = 1;
    assert_true(store_due(*state, fixture_now_ms, &due, &err));
    assert_int_equal(due.count, 51);
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

/* ---- gate ---- */

static void the_newest_other_of_a_target_is_told(void **state) {
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

/* Of many that wait for room, two; and two more when those do not take it: none sleeps for ever. */
static void those_that_wait_for_room_are_woken_by_twos(void **state) {
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

/* One worker finds the target busy; before it has stored the wait, another finishes that target.
 * The first must not put the update to sleep any more. */
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
        TEST(match_makes_an_open_update),
        TEST(match_supersedes_only_what_is_not_applied),
        TEST(match_can_close_at_once),
        TEST(match_stores_all_or_nothing),
        TEST(coalesced_pushes_name_the_newer),
        TEST(save_stores_all_of_it),
        TEST(save_loses_to_a_newer_revision),
        TEST(save_loses_to_a_match_and_to_pruning),
        TEST(stages_passed_are_stored_with_what_came_of_them),
        TEST(fast_is_for_one_save_only),
        TEST(what_must_be_on_the_disk_is),
        TEST(what_is_not_on_the_disk_is_not_stored),
        TEST(many_wait_for_the_disk_at_once),
        TEST(due_in_order_of_waiting),
        TEST(due_when_the_clock_was_set_back),
        TEST(due_shows_what_does_not_fetch_first),
        TEST(due_leaves_out_what_has_no_place),
        TEST(due_reads_by_index),
        TEST(the_newest_other_of_a_target_is_told),
        TEST(wake_makes_the_gate_due),
        TEST(those_that_wait_for_room_are_woken_by_twos),
        TEST(wake_is_not_lost_to_a_late_wait),
        TEST(lists_are_newest_first),
    };
    return cmocka_run_group_tests_name("store_update", tests, NULL, NULL);
}
