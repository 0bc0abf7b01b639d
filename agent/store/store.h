/* The durable state: pushes, updates, their history, the step each update has reached, and which
 * deliveries were seen, in one SQLite database (WAL, synchronous=FULL). Everything that must
 * survive a crash goes through here before it is answered or done.
 *
 * A store is one connection, used by one thread. Writes are short transactions; another
 * connection's write is waited for (10 s at most). Errors: ERR_TRANSIENT (busy, disk full, I/O),
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

/* Makes the directory (0700) and the database where they are missing, migrates an older schema,
 * refuses a newer one. The caller frees *out. */
bool store_open(const char *directory, struct store **out, struct err *err) MUST_USE;
void store_free(struct store *store);
/* For CLEANUP. */
void store_release(struct store **store);

/* Only one agent may work on a state directory: an fd that holds the lock until it is closed, or
 * -1. Makes the directory where it is missing, so that the lock can be taken before the database is
 * touched. */
int store_lock(const char *directory, struct err *err) MUST_USE;

/* Something was written and is on the disk. */
bool store_probe(struct store *store, struct err *err) MUST_USE;

/* What is read between these two is of one instant. Nothing may be written between them. */
bool store_snapshot(struct store *store, struct err *err) MUST_USE;
void store_snapshot_end(struct store *store);

/* ---- pushes ---- */

/* Stores all deliveries of one loop turn in one transaction and sets outcome and id of each. */
void store_accept(struct store *store, struct webhook_delivery *const *batch, size_t count,
                  int64_t now_ms);

/* ERR_GONE: there is none. */
bool store_push_find(struct store *store, int64_t id, struct push *out, struct err *err) MUST_USE;
/* Newest first. */
bool store_push_list(struct store *store, size_t limit, struct pushes *out,
                     struct err *err) MUST_USE;

/* The further pushes of a delivery that named several images. */
bool store_push_followers(struct store *store, int64_t lead, struct pushes *out,
                          struct err *err) MUST_USE;

/* Pushes that a platform has not looked at yet, oldest first. */
struct store_window {
    const char *platform;
    size_t limit;
};
bool store_unmatched(struct store *store, const struct store_window *window, struct pushes *out,
                     struct err *err) MUST_USE;
/* Is there any? */
bool store_has_unmatched(struct store *store, const char *platform) MUST_USE;
/* Has that platform looked at that push? */
bool store_is_matched(struct store *store, const char *platform, int64_t push) MUST_USE;
/* A platform that is new here begins with what comes from now on. */
bool store_platform_begin(struct store *store, const char *platform, struct err *err) MUST_USE;
/* One that is not configured any more holds up no pruning. */
bool store_platform_end(struct store *store, const char *platform, struct err *err) MUST_USE;

/* ---- updates ---- */

/* How far notices may come out of order. */
#define STORE_OUT_OF_ORDER_MS (INT64_C(15) * 60 * 1000)
/* Did another push announce that the update's tag is that digest, or, shortly before its own, that
 * the tag was moved? Looks at the newest 10,000 pushes. */
bool store_was_pushed(struct store *store, const struct update *update,
                      const char *digest) MUST_USE;

/* What one platform found for some pushes: written in one transaction with how far it has looked.
 */
struct store_match {
    const struct push *push;
    const struct target *target;
    const char *tag;    /* that it shall have; NULL: its own */
    enum result result; /* RESULT_NONE: an open update; else closed at once, for that reason */
    const char *reason;
};
struct store_matches {
    const char *platform;
    int64_t through; /* the last push looked at */
    const struct store_match *items;
    size_t count;
    /* All that were looked at; superseded_by is set where a later one of the same image, which has
     * targets, was among them. */
    const struct pushes *pushes;
    int64_t now_ms;
    size_t superseded; /* out: how many updates gave way */
};
/* Supersedes what is open for the same targets and has not reached `apply`. */
bool store_match(struct store *store, struct store_matches *matches, struct err *err) MUST_USE;

/* Open updates that are due, the longest-waiting first, but those that fetch last. */
#define STORE_DUE_MAX 64
#define STORE_DUE_WITHOUT 2
struct store_due {
    enum stage without[STORE_DUE_WITHOUT]; /* in: stages that there is no place for … */
    size_t without_count;
    int64_t ids[STORE_DUE_MAX];
    size_t count;
};
bool store_due(struct store *store, int64_t now_ms, struct store_due *out,
               struct err *err) MUST_USE;
/* When the first open update that is due after that time becomes due (wall clock); INT64_MAX: none.
 */
int64_t store_next_due(struct store *store, int64_t after_ms);
/* ERR_GONE: there is none. */
bool store_update_find(struct store *store, int64_t id, struct update *out,
                       struct err *err) MUST_USE;

struct store_filter {
    int64_t push; /* 0: any, newest first; otherwise that push's, oldest first */
    bool open_only;
    size_t limit;
};
bool store_update_list(struct store *store, const struct store_filter *filter, struct updates *out,
                       struct err *err) MUST_USE;

/* How many of a push's updates are open. */
bool store_count_open(struct store *store, int64_t push, size_t *out, struct err *err) MUST_USE;
/* How many updates are open in each stage. */
struct store_stages {
    struct {
        enum stage stage;
        int64_t count;
    } items[16];
    size_t count;
};
bool store_count_stages(struct store *store, struct store_stages *out, struct err *err) MUST_USE;
/* Has it an update of its own that is open? False also where that cannot be read. */
bool store_push_is_open(struct store *store, int64_t push);
/* Another open update of the same target, the newest; 0: there is none. */
bool store_find_other(struct store *store, const struct update *update, int64_t *out,
                      struct err *err) MUST_USE;

/* All open updates but that one (0: all), oldest first. */
bool store_list_others(struct store *store, int64_t id, struct update_others *out,
                       struct err *err) MUST_USE;

/* What waits at the gate is looked at again: all of it (the clock or the configuration changed), or
 * what waits for nothing but others (one of them has ended). Of those that wait for nothing but
 * room, the two oldest of each image, as they may be thousands: one that does
 * not take the room wakes the next. */
enum store_wake { STORE_WAKE_ALL, STORE_WAKE_WAITING_FOR_OTHERS };
void store_wake_gate(struct store *store, enum store_wake which);

/* LOST: somebody else changed it meanwhile (superseded, cancelled); nothing was stored. */
enum store_change { STORE_CHANGED, STORE_LOST, STORE_FAILED };

/* A stage that an update has passed through, to "next", which is stored with what came of it. */
struct store_passed {
    enum stage stage;
    char detail[REASON_SIZE];
    int64_t at_ms;
};

struct store_event {
    const struct store_passed *passed; /* before it, oldest first */
    size_t passed_count;
    enum stage stage;  /* that decided */
    const char *event; /* "next", "wait", "step", "undo", … for the history; NULL: no line */
    const char *detail;
    const char *actor; /* who decided; NULL: landwaiter itself */
    bool fast; /* need survive a crash of the agent only, not of the machine: no disk is waited for
                */
};
/* Stores an update as it is in memory, if nobody changed it meanwhile; its revision grows. Where
 * the disk does not take it, it may be there all the same: FAILED, and whoever holds it goes on
 * from there. */
enum store_change store_update_save(struct store *store, struct update *update,
                                    const struct store_event *event, struct err *err) MUST_USE;

/* ---- holds ---- */

/* The one that keeps the target from being updated now (its own, or "all"; the later end counts).
 * False: none, or one that has ended. Where the database cannot be asked, all is held for now. */
bool store_held(struct store *store, const char *target, int64_t now_ms, struct hold *out) MUST_USE;
/* Replaces an earlier one of the same target. What waits at the gate is looked at again, after this
 * and after a release. */
bool store_hold(struct store *store, const struct hold *hold, const char *actor,
                struct err *err) MUST_USE;
/* ERR_GONE: there is none that has not ended. */
bool store_release_hold(struct store *store, const char *target, const char *actor,
                        struct err *err) MUST_USE;

/* ---- the audit trail: who or what decided each transition, hash-chained ---- */

/* Every history line of an update writes an entry too, in the same transaction, but for the steps
 * of a swap (pushes are their own record): actor "landwaiter" for the pipeline's own decisions,
 * "sender NAME" for what a push made, "uid 0 (root)" or "control token" for people's. subject: an
 * update's id, or the target of a hold. hash = SHA-256 over the hash before, the number and all
 * members, each text behind its length.
 *
 * [{"seq", "at", "actor", "subject", "event", "detail", "hash"}], newest first. New reference;
 * NULL: out of memory. */
json_t *store_audit(struct store *store, size_t limit);
/* Checks the chain from the oldest entry kept to the newest ever written. False: it is broken at
 * *out_seq (ERR_INVALID), or it could not be read and *out_seq is 0. */
bool store_audit_verify(struct store *store, int64_t *out_seq, size_t *out_count,
                        struct err *err) MUST_USE;

/* ---- history, rejected digests, housekeeping ---- */

/* [{"at", "stage", "event", "detail"}], oldest first, of the newest 1,000. subject: a push's or
 * update's id. New reference; NULL: out of memory. */
json_t *store_history(struct store *store, int64_t subject);
/* A digest that was rolled back on a target is not tried there again. out_update: which one that
 * was. */
bool store_rejected(struct store *store, const char *target, const char *digest,
                    int64_t *out_update) MUST_USE;
bool store_reject(struct store *store, const struct update *update, struct err *err) MUST_USE;
bool store_unreject(struct store *store, const char *target, const char *digest,
                    struct err *err) MUST_USE;

/* Deletes finished updates, pushes without any that were looked at, and the oldest entries of the
 * audit trail (whose chain stays whole), older than that. In short transactions, and a bounded
 * number of them. */
void store_prune(struct store *store, int64_t before_ms);

/* Frees what this connection only keeps to be faster the next time. */
void store_trim(struct store *store);

/* Merging the write-ahead log into the database takes several commits' time. A connection whose
 * callers may not wait for it has it done elsewhere: wanted is called after a commit, on the thread
 * of the connection, and must not block. checkpoints is the caller's and outlives the store. */
struct store_checkpoints {
    void (*wanted)(void *context);
    void *context;
    int asked_at; /* the store's own */
};
void store_checkpoint_elsewhere(struct store *store, struct store_checkpoints *checkpoints);
/* Does it, as far as nobody reads what it would replace. Writers go on meanwhile. */
void store_checkpoint(struct store *store);

#endif
