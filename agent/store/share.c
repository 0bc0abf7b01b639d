/* Sharing rows with other replicas: owns the table shared, which holds each row's slot in the
 * ledger and its changes since, and the triggers that note changes. */
#include "agent/store/share.h"

#include "agent/store/internal.h"
#include "agent/store/kinds.h"

#define SHARE_REJECTED_MAX "1000"

/* ---- on and off ---- */

/* The columns of shared:
 * slot: -1: none yet.
 * dirty: 0: the ledger has the row as it is here; -1: it is to be deleted from the ledger; else the
 * number of changes since it was written there.
 * stored: 1: the ledger has it; 0: the ledger never had it, and a replica that loses the lead
 * forgets it; 2: the ledger lacks it, and it is from before sharing was switched on. */
static const char share_on[] =
    "CREATE TRIGGER share_update_new AFTER INSERT ON updates BEGIN "
    "INSERT INTO shared(kind, key, slot, dirty) SELECT " SHARE_UPDATE
    ", new.id, -1, 1 WHERE NOT EXISTS"
    "(SELECT 1 FROM shared WHERE kind = " SHARE_UPDATE " AND key = new.id); END;"
    "CREATE TRIGGER share_update_changed AFTER UPDATE ON updates WHEN old.stage <> new.stage "
    "OR old.result IS NOT new.result OR old.reason <> new.reason OR old.step <> new.step "
    "OR old.back <> new.back OR old.approved <> new.approved "
    "OR (old.journal <> new.journal AND new.stage IN (" STAGE_SQL_JOURNALLED ")) BEGIN "
    "UPDATE shared SET dirty = max(dirty, 0) + 1 WHERE kind = " SHARE_UPDATE
    " AND key = new.id; END;"
    "CREATE TRIGGER share_push_changed AFTER UPDATE OF superseded_by ON pushes BEGIN "
    "UPDATE shared SET dirty = max(dirty, 0) + 1 WHERE kind = " SHARE_PUSH " AND key = new.id; END;"
    "CREATE TRIGGER share_hold AFTER INSERT ON holds BEGIN "
    "UPDATE shared SET dirty = max(dirty, 0) + 1 WHERE kind = " SHARE_HOLD " AND key = new.target;"
    "INSERT INTO shared(kind, key, slot, dirty) SELECT " SHARE_HOLD
    ", new.target, -1, 1 WHERE NOT EXISTS"
    "(SELECT 1 FROM shared WHERE kind = " SHARE_HOLD " AND key = new.target); END;"
    "CREATE TRIGGER share_hold_gone AFTER DELETE ON holds BEGIN "
    "UPDATE shared SET dirty = max(dirty, 0) + 1 WHERE kind = " SHARE_HOLD
    " AND key = old.target; END;"
    "CREATE TRIGGER share_reject AFTER INSERT ON rejected BEGIN "
    "UPDATE shared SET dirty = max(dirty, 0) + 1 WHERE kind = " SHARE_REJECTED
    " AND key = new.target || ' ' || new.digest;"
    "INSERT INTO shared(kind, key, slot, dirty) SELECT " SHARE_REJECTED
    ", new.target || ' ' || new.digest, -1, 1 WHERE NOT EXISTS (SELECT 1 FROM shared "
    "WHERE kind = " SHARE_REJECTED " AND key = new.target || ' ' || new.digest); END;"
    "CREATE TRIGGER share_reject_gone AFTER DELETE ON rejected BEGIN "
    "UPDATE shared SET dirty = max(dirty, 0) + 1 WHERE kind = " SHARE_REJECTED
    " AND key = old.target || ' ' || old.digest; END;"
    /* Rows from before. */
    "INSERT INTO arrivals SELECT p.name, x.id FROM platforms p JOIN pushes x ON x.id > p.through;"
    "INSERT INTO inbox(object, push, seen) SELECT DISTINCT '', push, 1 FROM arrivals;"
    "UPDATE platforms SET through = max(through, (SELECT ifnull(max(id), 0) FROM pushes));"
    "INSERT INTO shared(kind, key, slot, dirty, stored) SELECT " SHARE_UPDATE
    ", id, -1, 1, 2 FROM updates WHERE result IS NULL;"
    "INSERT INTO shared(kind, key, slot, dirty, stored) SELECT DISTINCT " SHARE_PUSH
    ", push, -1, 1, 2 FROM updates WHERE result IS NULL AND push NOT IN (SELECT push FROM "
    "arrivals);"
    "INSERT INTO shared(kind, key, slot, dirty, stored) SELECT " SHARE_HOLD
    ", target, -1, 1, 2 FROM holds;"
    "INSERT INTO shared(kind, key, slot, dirty, stored) SELECT " SHARE_REJECTED
    ", target || ' ' || digest, -1, 1, 2 FROM rejected ORDER BY at DESC LIMIT " SHARE_REJECTED_MAX
    ";";

static const char share_off[] =
    "DROP TRIGGER IF EXISTS share_update_new; DROP TRIGGER IF EXISTS share_update_changed;"
    "DROP TRIGGER IF EXISTS share_push_changed;"
    "DROP TRIGGER IF EXISTS share_hold; DROP TRIGGER IF EXISTS share_hold_gone;"
    "DROP TRIGGER IF EXISTS share_reject; DROP TRIGGER IF EXISTS share_reject_gone;"
    "DELETE FROM shared; DELETE FROM inbox;";

bool store_share(struct store *store, bool on, struct err *err) {
    if (store->shared == on) {
        return true;
    }
    if (!store_begin(store, err)) {
        return false;
    }
    /* Off first: another connection may have switched it on already. */
    bool good = store_exec(store, share_off, err) && (!on || store_exec(store, share_on, err));
    good = store_end(store, good, err);
    store->shared = good ? on : store->shared;
    return good;
}

/* ---- losing the lead ---- */

bool store_share_reset(struct store *store, struct err *err) {
    static const char reset[] =
        "DELETE FROM history WHERE subject IN (SELECT key FROM shared WHERE kind = " SHARE_UPDATE
        " AND stored = 0);"
        "DELETE FROM updates WHERE id IN (SELECT key FROM shared WHERE kind = " SHARE_UPDATE
        " AND stored = 0);"
        "DELETE FROM holds WHERE target IN (SELECT key FROM shared WHERE kind = " SHARE_HOLD
        " AND stored = 0);"
        "DELETE FROM rejected WHERE target || ' ' || digest IN (SELECT key FROM shared WHERE "
        "kind = " SHARE_REJECTED " AND stored = 0);"
        "DELETE FROM shared WHERE stored = 0;"
        "UPDATE shared SET dirty = 0 WHERE stored = 1 AND dirty <> 0;"
        "UPDATE shared SET dirty = 1, slot = -1 WHERE stored = 2;";
    return store_begin(store, err) && store_end(store, store_exec(store, reset, err), err);
}

/* ---- retiring ---- */

#define RETIRE "UPDATE shared SET dirty = -1 WHERE slot >= 0 AND dirty = 0 AND kind = "

static void retire_pushes(struct store *store, int64_t before_ms) {
    struct query query =
        query_open(store,
                   RETIRE SHARE_PUSH
                   " AND NOT EXISTS(SELECT 1 FROM updates o WHERE o.push = shared.key AND o.result "
                   "IS NULL) AND NOT EXISTS(SELECT 1 FROM pushes q WHERE q.id = shared.key AND "
                   "q.received >= :before) AND key NOT IN (SELECT push FROM inbox)",
                   NULL);
    query_bind_int(&query, ":before", before_ms);
    (void)!store_run(&query);
}

/* Finished updates whose push is not in the ledger either. */
static void retire_updates(struct store *store) {
    struct query query =
        query_open(store,
                   RETIRE SHARE_UPDATE
                   " AND NOT EXISTS(SELECT 1 FROM updates u JOIN shared s ON s.kind = " SHARE_PUSH
                   " AND s.key = u.push AND s.dirty >= 0 WHERE u.id = shared.key) AND NOT EXISTS"
                   "(SELECT 1 FROM updates u WHERE u.id = shared.key AND u.result IS NULL)",
                   NULL);
    (void)!store_run(&query);
}

static void retire_rejected(struct store *store) {
    struct query query =
        query_open(store,
                   RETIRE SHARE_REJECTED
                   " AND key NOT IN (SELECT target || ' ' || digest FROM rejected ORDER BY at DESC "
                   "LIMIT " SHARE_REJECTED_MAX ")",
                   NULL);
    (void)!store_run(&query);
}

size_t store_share_retire(struct store *store, int64_t before_ms) {
    /* A failure leaves rows in the ledger until the next time. */
    retire_pushes(store, before_ms);
    retire_updates(store);
    retire_rejected(store);
    struct query query = query_open(store, "SELECT count(*) AS number FROM shared", NULL);
    int64_t rows = 0;
    return query_number(&query, &rows) ? (size_t)rows : 0;
}
