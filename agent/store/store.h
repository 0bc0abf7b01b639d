/* The durable state: pushes, updates, their history, the step each update has reached, and which
 * deliveries were seen, in one SQLite database (WAL, synchronous=FULL). The agent stores everything
 * that must survive a crash here, before it answers or acts.
 *
 * A store is one connection, used by one thread. Writes are short transactions, and wait for
 * another connection's write for 10 s at most. Errors: ERR_TRANSIENT (busy, disk full, I/O),
 * ERR_INVALID (a newer schema, not a database), ERR_BUG. */
#ifndef LANDWAITER_AGENT_STORE_STORE_H
#define LANDWAITER_AGENT_STORE_STORE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/model/hold.h"
#include "agent/model/push.h"
#include "agent/model/update.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/ref.h"
#include "webhook/server.h"

#define STORE_LIST_MAX 1000

struct store;

/* Makes the directory (0700) and the database where they are missing, migrates an older schema, and
 * refuses a newer one. The caller frees *out. */
bool store_open(const char *directory, struct store **out, struct err *err) MUST_USE;
void store_free(struct store *store);
/* For CLEANUP. */
void store_release(struct store **store);

/* Locks the state directory for one agent. Returns an fd that holds the lock until it is closed, or
 * -1. Makes the directory where it is missing, so that it can be locked before the database is
 * touched. */
int store_lock(const char *directory, struct err *err) MUST_USE;

/* Can the database be written? Writes a row and waits for the disk. */
bool store_probe(struct store *store, struct err *err) MUST_USE;

/* Reads between these two see the state of one instant. Nothing may be written between them. */
bool store_snapshot(struct store *store, struct err *err) MUST_USE;
void store_snapshot_end(struct store *store);

/* ---- pushes ---- */

/* Stores all deliveries of one loop turn in one transaction and sets outcome and id of each. */
void store_accept(struct store *store, struct webhook_delivery *const *batch, size_t count,
                  int64_t now_ms);

/* ERR_GONE: there is no such push. */
bool store_push_find(struct store *store, int64_t id, struct push *out, struct err *err) MUST_USE;
/* Newest first. */
bool store_push_list(struct store *store, size_t limit, struct pushes *out,
                     struct err *err) MUST_USE;

/* The further pushes of a delivery that named several images. */
bool store_push_followers(struct store *store, int64_t lead, struct pushes *out,
                          struct err *err) MUST_USE;

/* Reads the pushes that a platform has not looked at yet, oldest first. */
struct store_window {
    const char *platform;
    size_t limit;
};
bool store_unmatched(struct store *store, const struct store_window *window, struct pushes *out,
                     struct err *err) MUST_USE;
/* Is there a push that the platform has not looked at? */
bool store_has_unmatched(struct store *store, const char *platform) MUST_USE;
/* Has the platform looked at the push? */
bool store_is_matched(struct store *store, const char *platform, int64_t push) MUST_USE;
/* Adds a platform, unless it is known. It need not look at earlier pushes. */
bool store_platform_begin(struct store *store, const char *platform, struct err *err) MUST_USE;
/* Removes a platform that is not configured any more, so that it does not hold up pruning. */
bool store_platform_end(struct store *store, const char *platform, struct err *err) MUST_USE;

/* ---- updates ---- */

/* How far notices may arrive out of order. */
#define STORE_OUT_OF_ORDER_MS (INT64_C(15) * 60 * 1000)
/* Did another push announce that the update's tag is that digest, or, shortly before the update's
 * own, that the tag was moved? Looks at the newest 10,000 pushes. */
bool store_was_pushed(struct store *store, const struct update *update,
                      const char *digest) MUST_USE;

/* An update to make for one target. */
struct store_match {
    const struct push *push;
    const struct target *target;
    const char *tag;    /* the tag that the target is to have; NULL: its own */
    enum result result; /* RESULT_NONE: the update is open; else it ends at once … */
    const char *reason; /* … for this reason; NULL: none */
};
struct store_matches {
    const char *platform;
    int64_t through; /* the last push that it looked at */
    const struct store_match *items;
    size_t count;
    /* The pushes that it looked at; superseded_by is set where a later one of the same image, which
     * has targets, was among them. */
    const struct pushes *pushes;
    int64_t now_ms;
    size_t superseded; /* out: number of superseded updates */
};
/* Stores one platform's matches and how far it has looked, in one transaction. Supersedes the open
 * updates of the same targets that have not reached `apply`. */
bool store_match(struct store *store, struct store_matches *matches, struct err *err) MUST_USE;

/* Finds open updates that are due, the longest-waiting first, but those at `fetch` last. */
#define STORE_DUE_MAX 64
struct store_due {
    /* In. The full places: " STAGE@HOST " for the registry of the update's image, " STAGE@* " for
     * all of them, " @PLATFORM " for all stages without a place at a registry. Skips the updates
     * that need one. */
    const char *full;
    /* In: looks beyond the first STORE_DUE_MAX, for a few of each party. Takes longer the more are
     * due. */
    bool each_party;
    struct {
        int64_t id;
        uint64_t party; /* a hash of the push's sender and, in a cluster, the target's namespace */
    } items[STORE_DUE_MAX];
    size_t count;
};
bool store_due(struct store *store, int64_t now_ms, struct store_due *out,
               struct err *err) MUST_USE;
/* The next time after that one at which an open update becomes due (wall clock); INT64_MAX: none.
 */
int64_t store_next_due(struct store *store, int64_t after_ms);
/* ERR_GONE: there is no such update. */
bool store_update_find(struct store *store, int64_t id, struct update *out,
                       struct err *err) MUST_USE;

struct store_filter {
    int64_t push; /* 0: of any push, newest first; else of that push, oldest first */
    bool open_only;
    size_t limit;
};
bool store_update_list(struct store *store, const struct store_filter *filter, struct updates *out,
                       struct err *err) MUST_USE;

/* Counts a push's open updates. */
bool store_count_open(struct store *store, int64_t push, size_t *out, struct err *err) MUST_USE;
/* Counts the open updates at each stage. */
struct store_stages {
    struct {
        enum stage stage;
        int64_t count;
    } items[16];
    size_t count;
};
bool store_count_stages(struct store *store, struct store_stages *out, struct err *err) MUST_USE;
/* Does the push have an open update? False also if the database cannot be read. */
bool store_push_is_open(struct store *store, int64_t push);
/* Finds the newest other open update of the same target; 0: there is none. */
bool store_find_other(struct store *store, const struct update *update, int64_t *out,
                      struct err *err) MUST_USE;

/* Lists all open updates but that one (0: all), oldest first. */
bool store_list_others(struct store *store, int64_t id, struct update_others *out,
                       struct err *err) MUST_USE;

/* Makes updates at the gate due: all (the clock or the configuration changed), or those that wait
 * only for other updates (one has ended). Among those that wait only for room, perhaps thousands,
 * wakes the two oldest of each image: an update that does not take the room wakes the next. */
enum store_wake { STORE_WAKE_ALL, STORE_WAKE_WAITING_FOR_OTHERS };
void store_wake_gate(struct store *store, enum store_wake which);

/* LOST: the update was changed meanwhile (superseded, cancelled); nothing was stored. */
enum store_change { STORE_CHANGED, STORE_LOST, STORE_FAILED };

/* A stage that an update has passed through; it is stored together with the next decision. */
struct store_passed {
    enum stage stage;
    char detail[REASON_SIZE];
    int64_t at_ms;
};

struct store_event {
    const struct store_passed *passed; /* before the event, oldest first */
    size_t passed_count;
    enum stage stage;  /* the one that decided */
    const char *event; /* "next", "wait", "step", "undo", … for the history; NULL: no line */
    const char *detail;
    const char *actor; /* who decided; NULL: landwaiter itself */
    /* The clock at the decision; 0: the time of the write. An update that was decided in the future
     * is due at once, because somebody has set the clock back (store_due). */
    int64_t decided_ms;
    bool fast; /* does not wait for the disk: redoing it after a power failure is harmless */
};
/* Stores an update, unless it was changed meanwhile; its revision grows. FAILED: readers may see
 * the change nevertheless, as the disk may have failed after the commit; the caller continues from
 * it. */
enum store_change store_update_save(struct store *store, struct update *update,
                                    const struct store_event *event, struct err *err) MUST_USE;

/* ---- holds ---- */

/* Finds the hold that keeps the target from being updated now: its own or that of "all", whichever
 * ends later. False: there is none, or it has ended. Where the database cannot be read, every
 * target is held. */
bool store_held(struct store *store, const char *target, int64_t now_ms, struct hold *out) MUST_USE;
/* Holds a target, in place of an earlier hold of it. This and a release wake the gate. */
bool store_hold(struct store *store, const struct hold *hold, const char *actor,
                struct err *err) MUST_USE;
/* ERR_GONE: the target is not on hold. */
bool store_release_hold(struct store *store, const char *target, const char *actor,
                        struct err *err) MUST_USE;

/* ---- the audit trail: the actor of each transition, hash-chained ---- */

/* Each line of an update's history writes an entry in the same transaction, except the steps of a
 * swap. actor: "landwaiter" for the pipeline, "sender NAME" for a push, "uid 0 (root)" or "control
 * token" for people. subject: an update's id, or the target of a hold. hash: SHA-256 over the hash
 * before, the number and all members, each text after its length.
 *
 * Returns [{"seq", "at", "actor", "subject", "event", "detail", "hash"}], newest first, as a new
 * reference; NULL: out of memory. */
json_t *store_audit(struct store *store, size_t limit);
/* Checks the chain from the oldest entry kept to the newest ever written. False: it is broken at
 * *out_seq (ERR_INVALID), or it cannot be read and *out_seq is 0. */
bool store_audit_verify(struct store *store, int64_t *out_seq, size_t *out_count,
                        struct err *err) MUST_USE;

/* ---- history, rejected digests, housekeeping ---- */

/* Returns [{"at", "stage", "event", "detail"}], oldest first, of the newest 1,000, as a new
 * reference; NULL: out of memory. subject: the id of an update. */
json_t *store_history(struct store *store, int64_t subject);
/* Was the digest rolled back on the target? It is not tried there again. out_update: the update
 * that was rolled back. */
bool store_rejected(struct store *store, const char *target, const char *digest,
                    int64_t *out_update) MUST_USE;
bool store_reject(struct store *store, const struct update *update, struct err *err) MUST_USE;
bool store_unreject(struct store *store, const char *target, const char *digest,
                    struct err *err) MUST_USE;

/* ---- room (interface.md section 2, `history` and `quota`) ---- */

/* Deletes finished updates, matched pushes without updates, and audit entries before that time; the
 * audit chain stays whole. Also pushes that a platform has not looked at yet, if a newer one of the
 * same image waits for it. Uses short transactions. */
void store_prune(struct store *store, int64_t before_ms);
/* The same for ever younger rows, until the database's rows take at most nine tenths of max_bytes;
 * keeps those of the last STORE_KEEP_MS. */
void store_prune_size(struct store *store, int64_t max_bytes, int64_t now_ms);
/* Deletes a sender's oldest pushes that are done with, and their updates, if its pushes take more
 * than three quarters of the quota, until they take half of it. Keeps the last STORE_KEEP_MS. */
void store_prune_sender(struct store *store, const char *sender, int64_t quota, int64_t now_ms);
/* Longer than a delivery can be repeated: its key is in the push. */
#define STORE_KEEP_MS (INT64_C(2) * 60 * 60 * 1000)
/* Has store_accept seen a sender with three quarters of its quota used, since the last call? */
bool store_prune_wanted(struct store *store);
/* Bytes of the database's rows; 0: it cannot be read. */
int64_t store_used(struct store *store);
/* ERR_TRANSIENT: no more pushes can be taken, and why: the disk is almost full, or the database is
 * much larger than max_bytes (0: no bound). */
bool store_room(struct store *store, int64_t max_bytes, struct err *err) MUST_USE;
/* Free bytes of the disk; of a small one a tenth. */
#define STORE_DISK_MIN ((uint64_t)64 * 1024 * 1024)

/* Frees this connection's caches. */
void store_trim(struct store *store);

/* Merging the write-ahead log into the database takes as long as several commits. A connection
 * whose callers must not wait for that leaves it to another thread: `wanted` is called after a
 * commit, on the connection's thread, and must not block. checkpoints is the caller's and outlives
 * the store. */
struct store_checkpoints {
    void (*wanted)(void *context);
    void *context;
    int asked_at; /* private to the store */
};
void store_checkpoint_elsewhere(struct store *store, struct store_checkpoints *checkpoints);
/* Merges the log, as far as no reader needs the pages that it would replace. Writers go on
 * meanwhile. */
void store_checkpoint(struct store *store);

#endif
