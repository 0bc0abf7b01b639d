/* Snapshots: owns the count of who still uses a set of senders, never the set itself. */
#include "webhook/snapshot.h"

struct snapshot *snapshot_new(const struct webhook_senders *senders) {
    struct snapshot *snapshot = calloc(1, sizeof *snapshot);
    if (snapshot) {
        *snapshot = (struct snapshot){.senders = *senders, .references = 1};
    }
    return snapshot;
}

struct snapshot *snapshot_keep(struct snapshot *snapshot) {
    snapshot->references++;
    return snapshot;
}

void snapshot_drop(struct snapshot *snapshot) {
    if (!snapshot || --snapshot->references > 0) {
        return;
    }
    if (snapshot->senders.release) {
        snapshot->senders.release(snapshot->senders.hold);
    }
    free(snapshot);
}
