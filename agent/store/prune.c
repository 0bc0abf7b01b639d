/* Pruning, in short transactions. */
#include "agent/store/internal.h"

#define PRUNE_BATCHES 200
#define PRUNE_BATCH "500"
#define PRUNE_SCAN "10000" /* rows looked at for a batch, so that no other write waits long */
#define REJECTED_MAX "10000"

#define PRUNE_FINISHED                                                                             \
    "(SELECT id FROM (SELECT id, result, finished FROM updates ORDER BY id LIMIT " PRUNE_SCAN ") " \
    "WHERE result IS NOT NULL AND finished < :before LIMIT " PRUNE_BATCH ")"

/* In this order: an update's history before the update, and updates before their push. */
static const struct {
    const char *sql;
    bool dated; /* it has the parameter :before */
} prune_statements[] = {
    {"DELETE FROM history WHERE subject IN " PRUNE_FINISHED, true},
    {"DELETE FROM updates WHERE id IN " PRUNE_FINISHED, true},
    /* A push that a platform has not looked at yet stays, however old: it was acknowledged. */
    {"DELETE FROM pushes WHERE id IN (SELECT id FROM "
     "(SELECT id, received FROM pushes ORDER BY id LIMIT " PRUNE_SCAN ") AS old "
     "WHERE received < :before AND id <= (SELECT ifnull(min(through), 9223372036854775807) FROM "
     "platforms) AND id NOT IN (SELECT push FROM arrivals) "
     "AND NOT EXISTS (SELECT 1 FROM updates u WHERE u.push = old.id) LIMIT " PRUNE_BATCH ")",
     true},
    {"DELETE FROM holds WHERE until <> 0 AND until < :before", true},
    /* The oldest entries up to the first that is kept: the chain has no holes even after the clock
     * was set back. */
    {"WITH old AS (SELECT seq, at, hash FROM audit ORDER BY seq LIMIT " PRUNE_BATCH ") "
     "INSERT OR REPLACE INTO audit_base SELECT 1, seq, hash FROM old WHERE seq < (SELECT "
     "ifnull(min(seq), 9223372036854775807) FROM old WHERE at >= :before) "
     "ORDER BY seq DESC LIMIT 1",
     true},
    {"DELETE FROM audit WHERE seq <= (SELECT seq FROM audit_base)", false},
    /* A rejected digest stays rejected however old it is; only their number is bounded. */
    {"DELETE FROM rejected WHERE at < (SELECT at FROM rejected ORDER BY at DESC "
     "LIMIT 1 OFFSET " REJECTED_MAX ")",
     false},
};

/* False: nothing more is to be deleted, or it failed. */
static bool prune_batch(struct store *store, int64_t before_ms) {
    if (!store_begin(store, NULL)) {
        return false;
    }
    int before = sqlite3_total_changes(store->db);
    for (size_t i = 0; i < ARRAY_LENGTH(prune_statements); i++) {
        struct query query = query_open(store, prune_statements[i].sql, NULL);
        if (prune_statements[i].dated) {
            query_bind_int(&query, ":before", before_ms);
        }
        if (!store_run(&query)) {
            store_rollback(store);
            return false;
        }
    }
    bool deleted = sqlite3_total_changes(store->db) > before;
    return store_commit(store, NULL) && deleted;
}

void store_prune(struct store *store, int64_t before_ms) {
    for (int i = 0; i < PRUNE_BATCHES && prune_batch(store, before_ms); i++) {
    }
}
