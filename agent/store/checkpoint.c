/* Merging the write-ahead log into the database, away from who may not wait for it. Owns when that
 * is wanted; SQLite owns how it is done. */
#include <sqlite3.h>

#include "agent/store/internal.h"

#define CHECKPOINT_EACH 1000 /* pages since the last one */
/* Under a load that never pauses the log is never merged to its end, and so cannot begin anew: from
 * here on (64 MiB) the connection that writes does it itself. */
#define CHECKPOINT_MAX 16000

static int checkpoint_hook(void *context, sqlite3 *db, const char *name, int pages) {
    struct store_checkpoints *checkpoints = context;
    if (pages < checkpoints->asked_at) {
        checkpoints->asked_at = 0; /* the log has begun anew */
    }
    if (pages >= CHECKPOINT_MAX) {
        /* Busy: a worker is at it; the next commit asks again. */
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
    /* What fails now is tried again when more has been written. */
    (void)sqlite3_wal_checkpoint_v2(store->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
}
