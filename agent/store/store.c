/* Opening and closing. Pushes, updates, holds and all else have files of their own. */
#include "agent/store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/model/id.h"
#include "agent/store/internal.h"
#include "agent/store/keys.h"
#include "base/clock.h"

/* Also ids of what was pruned meanwhile: a push below what a platform has looked at would never be
 * looked at. */
static bool store_learn_ids(struct store *store, struct err *err) {
    static const char *const queries[] = {
        "SELECT max(id) FROM pushes", "SELECT max(id) FROM updates",
        "SELECT max(through) FROM platforms", "SELECT max(\"update\") FROM rejected"};
    bool good = true;
    for (size_t i = 0; good && i < ARRAY_LENGTH(queries); i++) {
        sqlite3_stmt *statement = NULL;
        good = sqlite3_prepare_v2(store->db, queries[i], -1, &statement, NULL) == SQLITE_OK &&
               sqlite3_step(statement) == SQLITE_ROW;
        if (good) {
            id_after(sqlite3_column_int64(statement, 0)); /* NULL reads as 0 */
        } else {
            (void)store_error(store, "read the largest id", err);
        }
        (void)sqlite3_finalize(statement);
    }
    return good;
}

/* Was store_share called? Its triggers say so. */
static bool store_is_shared(struct store *store) {
    sqlite3_stmt *statement = NULL;
    bool shared =
        sqlite3_prepare_v2(store->db, "SELECT 1 FROM sqlite_master WHERE name = 'share_update_new'",
                           -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW;
    (void)sqlite3_finalize(statement);
    return shared;
}

/* DIRECTORY/NAME into out, once the directory is there. */
static bool store_path(const char *directory, const char *name, char out[PATH_MAX],
                       struct err *err) {
    if (mkdir(directory, 0700) != 0 && errno != EEXIST) {
        return err_set(err, ERR_INVALID,
                       "state directory %s: %s: make it, or name another one with `state:`",
                       directory, strerror(errno));
    }
    int len = snprintf(out, PATH_MAX, "%s/%s", directory, name);
    if (len < 0 || len >= PATH_MAX) {
        return err_set(err, ERR_INVALID, "state directory: its name is too long");
    }
    return true;
}

bool store_open(const char *directory, struct store **out, struct err *err) {
    char path[PATH_MAX];
    if (!store_path(directory, "landwaiter.db", path, err)) {
        return false;
    }
    CLEANUP(store_release) struct store *store = calloc(1, sizeof *store);
    if (!store) {
        return err_set(err, ERR_BUG, "out of memory");
    }
    /* Nobody else's to read, whatever the directory's mode: SQLite's own files take this one's.
     * Only where it is new: closing an fd of a database that is open elsewhere in this process
     * would drop SQLite's locks on it. */
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    own_close(&fd);
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(path, &store->db, flags, NULL) != SQLITE_OK) {
        (void)store_error(store, "open", err);
        return err_wrap(err, "%s", path);
    }
    (void)sqlite3_busy_timeout(store->db, STORE_BUSY_MS);
    /* The cache holds what a batch of pushes with random keys changes, and is given back when there
     * is nothing to do (store_rest). A long log is merged into the database more cheaply: most of
     * its pages are several versions of one; 4,000 is what one block of its index holds. */
    if (!store_exec(store,
                    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-1024;"
                    "PRAGMA wal_autocheckpoint=4000; PRAGMA journal_size_limit=16777216;"
                    "PRAGMA temp_store=MEMORY;",
                    err) ||
        !store_migrate(store, err) || !store_learn_ids(store, err)) {
        return err_wrap(err, "%s", path);
    }
    store->shared = store_is_shared(store);
    *out = TAKE(store);
    return true;
}

void store_free(struct store *store) {
    if (!store) {
        return;
    }
    store_keys_free(store->keys);
    for (size_t i = 0; i < STORE_SQL_COUNT; i++) {
        (void)sqlite3_finalize(store->statements[i]);
    }
    (void)sqlite3_close(store->db);
    free(store);
}

void store_release(struct store **store) {
    store_free(*store);
}

int store_lock(const char *directory, struct err *err) {
    char path[PATH_MAX];
    if (!store_path(directory, "landwaiter.lock", path, err)) {
        return -1;
    }
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        (void)err_set(err, ERR_INVALID, "%s: %s", path, strerror(errno));
        return -1;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        (void)err_set(err, ERR_INVALID,
                      "%s: another landwaiter works on this state directory: stop it, or name "
                      "another one with `state:`",
                      path);
        own_close(&fd);
        return -1;
    }
    return fd;
}

bool store_probe(struct store *store, struct err *err) {
    sqlite3_stmt *statement = store_statement(store, STORE_SQL_PROBE);
    if (statement) {
        (void)sqlite3_bind_int64(statement, 1, clock_now_ms());
    }
    return store_run(store, statement, err);
}

void store_rest(struct store *store) {
    store_keys_rest(store);
    (void)sqlite3_db_release_memory(store->db);
}
