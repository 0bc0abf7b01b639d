/* Snapshots: owns the reference count of a set of senders, not the set. */
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
