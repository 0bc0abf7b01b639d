/* Group commit: threads that wait for the disk at the same time share one fsync. Owns the counts of
 * committed changes and of those on the disk, for the one database of the process. */
#include <pthread.h>

#include "agent/store/internal.h"

static struct {
    pthread_mutex_t mutex;
    pthread_cond_t flushed;
    uint64_t committed, on_disk; /* numbers of changes, in the order of their commits */
    bool busy;                   /* a thread syncs all changes committed before it began */
} store_disk = {.mutex = PTHREAD_MUTEX_INITIALIZER, .flushed = PTHREAD_COND_INITIALIZER};

bool store_end_fast(struct store *store, bool good, struct err *err) {
    if (!store_end(store, good, err)) {
        return false;
    }
    (void)pthread_mutex_lock(&store_disk.mutex);
    store_disk.committed++;
    (void)pthread_mutex_unlock(&store_disk.mutex);
    return true;
}

/* Syncs the write-ahead log, as a commit with synchronous=FULL does at its end; but without the
 * writer's lock, so that others go on writing meanwhile. */
static bool flush_log(struct store *store, struct err *err) {
    sqlite3_file *log = NULL;
    if (sqlite3_file_control(store->db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log) != SQLITE_OK ||
        !log || !log->pMethods) {
        return err_set(err, ERR_BUG, "state database: it has no write-ahead log");
    }
    return log->pMethods->xSync(log, SQLITE_SYNC_NORMAL) == SQLITE_OK ||
           err_set(err, ERR_TRANSIENT, "state database: a sync to the disk failed: check the disk");
}

bool store_flush(struct store *store, struct err *err) {
    bool good = true;
    (void)pthread_mutex_lock(&store_disk.mutex);
    const uint64_t own = store_disk.committed;
    while (good && store_disk.on_disk < own) {
        if (store_disk.busy) {
            (void)pthread_cond_wait(&store_disk.flushed, &store_disk.mutex);
            continue;
        }
        const uint64_t all = store_disk.committed;
        store_disk.busy = true;
        (void)pthread_mutex_unlock(&store_disk.mutex);
        good = flush_log(store, err);
        (void)pthread_mutex_lock(&store_disk.mutex);
        store_disk.busy = false;
        store_disk.on_disk = good && all > store_disk.on_disk ? all : store_disk.on_disk;
        (void)pthread_cond_broadcast(&store_disk.flushed);
    }
    (void)pthread_mutex_unlock(&store_disk.mutex);
    return good;
}
