/* Opening and closing a connection, and the lock of the state directory. */
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

/* Makes new ids greater than all ids ever used, pruned ones included: no platform would look at a
 * push whose id is below the last one it has looked at. */
static bool store_learn_ids(struct store *store, struct err *err) {
    struct query query = query_open(store,
                                    "SELECT max(ifnull((SELECT max(id) FROM pushes), 0), "
                                    "ifnull((SELECT max(id) FROM updates), 0), "
                                    "ifnull((SELECT max(through) FROM platforms), 0), "
                                    "ifnull((SELECT max(\"update\") FROM rejected), 0)) AS number",
                                    err);
    int64_t largest = 0;
    bool good = query_number(&query, &largest);
    if (good) {
        id_after(largest);
    }
    return good;
}

/* Was store_share called? Its triggers tell. */
static bool store_is_shared(struct store *store) {
    struct query query = query_open(
        store, "SELECT 1 AS number FROM sqlite_master WHERE name = 'share_update_new'", NULL);
    int64_t shared = 0;
    return query_number(&query, &shared);
}

/* May other users of this machine write to it? A volume of its own may have any mode: a container
 * or a pod has no other users, and those that make volumes for them use 0777. */
static bool store_is_open(const char *directory, const struct stat *status) {
    char above[PATH_MAX];
    struct stat parent;
    (void)snprintf(above, sizeof above, "%s/..", directory);
    return (status->st_mode & S_IWOTH) != 0 &&
           (stat(above, &parent) != 0 || parent.st_dev == status->st_dev);
}

/* True also if there is none. */
static bool store_is_file(const char *path, const char *end, struct err *err) {
    char whole[PATH_MAX + 8];
    struct stat status;
    (void)snprintf(whole, sizeof whole, "%s%s", path, end);
    return lstat(whole, &status) != 0 || S_ISREG(status.st_mode) ||
           err_set(err, ERR_INVALID,
                   "%s is a link or no file: somebody else has put it there; remove it", whole);
}

/* Writes DIRECTORY/NAME into out; makes the directory if it is missing. */
static bool store_path(const char *directory, const char *name, char out[PATH_MAX],
                       struct err *err) {
    struct stat status;
    if ((mkdir(directory, 0700) != 0 && errno != EEXIST) || stat(directory, &status) != 0) {
        return err_set(err, ERR_INVALID,
                       "state directory %s: %s: make it, or name another one with `state:`",
                       directory, strerror(errno));
    }
    if (store_is_open(directory, &status)) {
        return err_set(err, ERR_INVALID,
                       "state directory %s: everybody on this machine may write to it: chmod 700",
                       directory);
    }
    int len = snprintf(out, PATH_MAX, "%s/%s", directory, name);
    if (len < 0 || len >= PATH_MAX) {
        return err_set(err, ERR_INVALID, "state directory: its name is too long");
    }
    return store_is_file(out, "", err) && store_is_file(out, "-wal", err) &&
           store_is_file(out, "-shm", err);
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
    /* Makes the file unreadable for others, regardless of the directory's mode; SQLite's other
     * files copy its mode. Only a new file: closing an fd of a database that this process has open
     * elsewhere would drop SQLite's locks on it. */
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    own_close(&fd);
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(path, &store->db, flags, NULL) != SQLITE_OK) {
        (void)query_error(store, "open", err);
        return err_wrap(err, "%s", path);
    }
    (void)sqlite3_busy_timeout(store->db, STORE_BUSY_MS);
    /* The cache holds the pages that a batch of pushes with random keys changes; store_trim frees
     * it. Merging a long log into the database costs less for each commit, as most of its pages are
     * versions of the same ones; one block of its index holds 4,000. */
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
    query_cache_clear(&store->statements);
    free(store->usage);
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
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        (void)err_set(err, ERR_INVALID, "%s: %s", path, strerror(errno));
        return -1;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        (void)err_set(err, ERR_INVALID,
                      "%s: another landwaiter uses this state directory: stop it, or name "
                      "another one with `state:`",
                      path);
        own_close(&fd);
        return -1;
    }
    return fd;
}

bool store_probe(struct store *store, struct err *err) {
    struct query query =
        query_open(store, "INSERT OR REPLACE INTO probe(id, at) VALUES(1, :now)", err);
    query_bind_int(&query, ":now", clock_now_ms());
    return store_run(&query);
}

void store_trim(struct store *store) {
    store_keys_trim(store);
    (void)sqlite3_db_release_memory(store->db);
}
