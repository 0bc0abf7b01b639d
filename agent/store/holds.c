/* Holds: what a person said not now to. Each is stored and released together with its entry in the
 * audit trail, and with a wake of what waits at the gate, so that a decision that is just being
 * made there without knowing of it is lost. */
#include "agent/store/internal.h"
#include "base/clock.h"

#define HOLD_UNKNOWN_MS 30000

bool store_held(struct store *store, const char *target, int64_t now_ms, struct hold *out) {
    sqlite3_stmt *statement = store_statement(store, STORE_SQL_HELD);
    int code = SQLITE_ERROR;
    if (statement) {
        store_bind_text(statement, 1, target);
        (void)sqlite3_bind_int64(statement, 2, now_ms);
        code = sqlite3_step(statement);
    }
    if (code == SQLITE_ROW) {
        store_column_text(statement, 0, out->target, sizeof out->target);
        out->until_ms = sqlite3_column_int64(statement, 1);
        store_column_text(statement, 2, out->reason, sizeof out->reason);
        out->at_ms = sqlite3_column_int64(statement, 3);
    } else if (code != SQLITE_DONE) {
        /* Somebody may have said no: look again soon. */
        *out = (struct hold){.until_ms = now_ms + HOLD_UNKNOWN_MS, .at_ms = now_ms};
        (void)snprintf(out->target, sizeof out->target, "%s", target);
        (void)snprintf(out->reason, sizeof out->reason,
                       "the state database cannot be asked for holds");
    }
    (void)sqlite3_reset(statement);
    return code != SQLITE_DONE;
}

/* Ends the transaction: all of it, or nothing. */
static bool hold_end(struct store *store, bool good, struct err *err) {
    if (good && store_run(store, store_statement(store, STORE_SQL_WAKE_GATE), err)) {
        return store_commit(store, err);
    }
    store_rollback(store);
    return false;
}

static bool hold_write(struct store *store, const struct hold *hold, struct err *err) {
    sqlite3_stmt *statement = store_statement(store, STORE_SQL_HOLD);
    if (statement) {
        store_bind_text(statement, 1, hold->target);
        (void)sqlite3_bind_int64(statement, 2, hold->until_ms);
        store_bind_text(statement, 3, hold->reason);
        (void)sqlite3_bind_int64(statement, 4, hold->at_ms);
    }
    return store_run(store, statement, err);
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
    sqlite3_stmt *statement = store_statement(store, STORE_SQL_RELEASE);
    if (statement) {
        store_bind_text(statement, 1, target);
        (void)sqlite3_bind_int64(statement, 2, now_ms);
    }
    if (!store_run(store, statement, err)) {
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
