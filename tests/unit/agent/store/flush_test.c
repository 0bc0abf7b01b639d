/* Group commit: some saves wait for the disk, and threads share the wait. */
#include <pthread.h>
#include <stdatomic.h>

#include "agent/store/internal.h"
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

/* Only fast saves of a connection do not wait for the disk; its other writes do. */
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
    /* as another process would */
    assert_int_equal(sqlite3_exec(other->db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(store_update_save(store, &update, &fast, &err), STORE_FAILED);
    assert_int_equal(err.kind, ERR_TRANSIENT);
    store_free(other);
    assert_true(store_probe(store, &err));
    assert_int_equal(seen_synchronous, 2);
    assert_int_equal(store_update_save(store, &update, &fast, &err), STORE_CHANGED);
    update_release(&update);
}

/* The log's methods, with a counter in xSync. */
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

/* Only saves that a power failure may undo skip the disk. */
static void saves_reach_the_disk_unless_fast(void **state) {
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

/* A save whose sync failed is reported as failed; readers see it, and the next save goes on from
 * it. */
static void a_failed_sync_fails_the_save(void **state) {
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

static void threads_share_one_sync(void **state) {
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

#define TEST(function) cmocka_unit_test_setup_teardown(function, start, fixture_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(fast_is_for_one_save_only),
        TEST(saves_reach_the_disk_unless_fast),
        TEST(a_failed_sync_fails_the_save),
        TEST(threads_share_one_sync),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
