/* Holds: owns their table. Stores and releases a hold in one transaction with its audit entry and a
 * wake of the gate, which invalidates a decision that a worker is making at the gate. */
#include "agent/store/internal.h"
#include "base/clock.h"

#define HOLD_UNKNOWN_MS 30000

bool store_held(struct store *store, const char *target, int64_t now_ms, struct hold *out) {
    struct query query =
        query_open(store,
                   "SELECT target, until, reason, at FROM holds WHERE target IN (:target, 'all') "
                   "AND (until = 0 OR until > :now) "
                   "ORDER BY until = 0 DESC, until DESC, target LIMIT 1",
                   NULL);
    query_bind_text(&query, ":target", target);
    query_bind_int(&query, ":now", now_ms);
    bool held = query_next(&query);
    if (held) {
        query_text(&query, "target", out->target, sizeof out->target);
        out->until_ms = query_int(&query, "until");
        query_text(&query, "reason", out->reason, sizeof out->reason);
        out->at_ms = query_int(&query, "at");
    }
    if (query_close(&query)) {
        return held;
    }
    /* There may be a hold: look again soon. */
    *out = (struct hold){.until_ms = now_ms + HOLD_UNKNOWN_MS, .at_ms = now_ms};
    (void)snprintf(out->target, sizeof out->target, "%s", target);
    (void)snprintf(out->reason, sizeof out->reason, "the state database cannot be read for holds");
    return true;
}

/* Wakes the gate and commits, or rolls back. */
static bool hold_end(struct store *store, bool good, struct err *err) {
    return store_end(store, good && store_gate_wake_all(store, err), err);
}

static bool hold_write(struct store *store, const struct hold *hold, struct err *err) {
    struct query query = query_open(store,
                                    "INSERT OR REPLACE INTO holds(target, until, reason, at) "
                                    "VALUES(:target, :until, :reason, :at)",
                                    err);
    query_bind_text(&query, ":target", hold->target);
    query_bind_int(&query, ":until", hold->until_ms);
    query_bind_text(&query, ":reason", hold->reason);
    query_bind_int(&query, ":at", hold->at_ms);
    return store_run(&query);
}

bool store_hold(struct store *store, const struct hold *hold, const char *actor, struct err *err) {
    char until[CLOCK_TEXT_SIZE];
    char detail[REASON_SIZE + CLOCK_TEXT_SIZE + 32];
    (void)snprintf(detail, sizeof detail, "until %s%s%s",
                   hold->until_ms ? clock_format(hold->until_ms, until) : "it is released",
                   hold->reason[0] ? ": " : "", hold->reason);
    struct store_audit_entry entry = {.at_ms = hold->at_ms,
                                      .actor = actor,
                                      .subject = hold->target,
                                      .event = "held",
                                      .detail = detail};
    if (!store_begin(store, err)) {
        return false;
    }
    return hold_end(store, hold_write(store, hold, err) && store_audit_add(store, &entry, err),
                    err);
}

static bool hold_delete(struct store *store, const char *target, int64_t now_ms, struct err *err) {
    struct query query = query_open(store,
                                    "DELETE FROM holds WHERE target = :target "
                                    "AND (until = 0 OR until > :now)",
                                    err);
    query_bind_text(&query, ":target", target);
    query_bind_int(&query, ":now", now_ms);
    if (!store_run(&query)) {
        return false;
    }
    return sqlite3_changes(store->db) > 0 || err_set(err, ERR_GONE, "%s is not on hold", target);
}

bool store_release_hold(struct store *store, const char *target, const char *actor,
                        struct err *err) {
    int64_t now = clock_now_ms();
    struct store_audit_entry entry = {
        .at_ms = now, .actor = actor, .subject = target, .event = "released", .detail = ""};
    if (!store_begin(store, err)) {
        return false;
    }
    return hold_end(
        store, hold_delete(store, target, now, err) && store_audit_add(store, &entry, err), err);
}
