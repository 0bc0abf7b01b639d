/* The database itself: opening it, its lock and snapshots, and kills at any instant, which lose no
 * acknowledged push. */
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

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

static void snapshot_does_not_see_later_writes(void **state) {
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

/* ---- kill -9 ---- */

#define ROUNDS 50
#define BATCH 3

/* Accepts without end, and writes the id of each batch after its acknowledgement. */
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

/* Lets a child accept for a while and kills it. Returns how many pushes it had acknowledged. */
static size_t kill_round(struct store *watching, unsigned *seed, int64_t *in_out_largest) {
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        accept_for_ever(ends[1]);
    }
    assert_int_equal(close(ends[1]), 0);
    /* Kills after some batches, anywhere within the next. */
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
    /* Batches are whole, whether acknowledged or not. */
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

/* ---- others on this machine ---- */

static void refused(const char *words) {
    struct store *store = NULL;
    struct err err = ERR_INIT;
    assert_false(store_open(fixture_directory, &store, &err));
    assert_int_equal(err.kind, ERR_INVALID);
    if (!strstr(err.message, words)) {
        fail_msg("%s", err.message);
    }
}

static void a_directory_of_everybody_is_refused(void **state) {
    store_free(*state);
    *state = NULL;
    assert_int_equal(chmod(fixture_directory, 0777), 0);
    refused("everybody on this machine may write to it");
    assert_int_equal(chmod(fixture_directory, 01777), 0);
    refused("everybody on this machine may write to it");
    struct err err = ERR_INIT;
    assert_int_equal(store_lock(fixture_directory, &err), -1);
    assert_int_equal(chmod(fixture_directory, 02770), 0);
    *state = fixture_open();
}

static void links_are_not_followed(void **state) {
    store_free(*state);
    *state = NULL;
    static const char *const names[] = {"landwaiter.db-wal", "landwaiter.db-shm"};
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        (void)unlink(fixture_path(names[i]));
    }
    char elsewhere[128];
    (void)snprintf(elsewhere, sizeof elsewhere, "%s", fixture_path("elsewhere.db"));
    assert_int_equal(rename(fixture_path("landwaiter.db"), elsewhere), 0);
    assert_int_equal(symlink(elsewhere, fixture_path("landwaiter.db")), 0);
    refused("is a link or no file");
    struct err err = ERR_INIT;
    assert_int_equal(symlink(elsewhere, fixture_path("landwaiter.lock")), 0);
    assert_int_equal(store_lock(fixture_directory, &err), -1);
    assert_int_equal(unlink(fixture_path("landwaiter.lock")), 0);
    assert_int_equal(unlink(fixture_path("landwaiter.db")), 0);
    assert_int_equal(rename(elsewhere, fixture_path("landwaiter.db")), 0);
    assert_int_equal(symlink("/nowhere", fixture_path("landwaiter.db-wal")), 0);
    refused("is a link or no file");
    assert_int_equal(unlink(fixture_path("landwaiter.db-wal")), 0);
    *state = fixture_open();
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(commits_are_durable),
        TEST(no_database_is_refused),
        TEST(missing_parent_and_long_names_are_refused),
        TEST(second_lock_is_refused),
        TEST(snapshot_does_not_see_later_writes),
        TEST(kill_loses_nothing_acknowledged),
        TEST(a_directory_of_everybody_is_refused),
        TEST(links_are_not_followed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
