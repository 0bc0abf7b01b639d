/* Checkpoints: merges the write-ahead log into the database, on a thread that may wait for it.
 * Decides when; SQLite does it. */
#include <sqlite3.h>

#include "agent/store/internal.h"

#define CHECKPOINT_EACH 1000 /* pages */
/* Under a load without a pause no other thread merges the log to its end, so it cannot restart:
 * from this size on (64 MiB) the writing connection merges it itself. */
#define CHECKPOINT_MAX 16000

static int checkpoint_hook(void *context, sqlite3 *db, const char *name, int pages) {
    struct store_checkpoints *checkpoints = context;
    if (pages < checkpoints->asked_at) {
        checkpoints->asked_at = 0; /* the log has restarted */
    }
    if (pages >= CHECKPOINT_MAX) {
        /* SQLITE_BUSY: a worker is merging; the next commit tries again. */
        (void)sqlite3_wal_checkpoint_v2(db, name, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    } else if (pages - checkpoints->asked_at >= CHECKPOINT_EACH) {
        checkpoints->asked_at = pages;
        checkpoints->wanted(checkpoints->context);
    }
    return SQLITE_OK;
}

void store_checkpoint_elsewhere(struct store *store, struct store_checkpoints *checkpoints) {
    (void)sqlite3_wal_hook(store->db, checkpoint_hook, checkpoints);
}

void store_checkpoint(struct store *store) {
    /* After a failure the next CHECKPOINT_EACH pages ask again. */
    (void)sqlite3_wal_checkpoint_v2(store->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
}
