/* Pruning: looks for rows without a lock, and deletes them in short transactions. */
#include "agent/store/internal.h"

#define PRUNE_BATCH 500
#define PRUNE_BATCH_OF_SENDER 50 /* few, as it ends where enough is deleted */
#define PRUNE_BATCHES 400        /* of one call, for each kind of row */
#define PRUNE_PIECES 16          /* of the time that the database covers */
#define REJECTED_MAX "10000"

/* Rows to delete: finished before a time, of one sender (NULL: of all). */
struct prune {
    int64_t before_ms;
    const char *sender;
    int64_t bytes; /* with a sender: enough when its pushes take no more */
};

/* Ids of one batch, as a JSON array for json_each. */
struct prune_ids {
    char text[PRUNE_BATCH * 21 + 3];
    size_t count;
    int64_t last;
};

#define PRUNE_MATCHED                                                                              \
    "p.id <= (SELECT ifnull(min(through), 9223372036854775807) FROM platforms) AND "               \
    "NOT EXISTS (SELECT 1 FROM arrivals WHERE push = p.id)"

/* Kinds of rows, in this order: updates before their push. `find` has the parameters :after,
 * :before and :sender; the deletions have :ids, and look again. */
static const struct {
    const char *find, *delete[2];
} prune_kinds[] = {
    {"SELECT u.id FROM updates u WHERE u.id > :after AND u.result IS NOT NULL AND u.finished < "
     ":before AND (:sender IS NULL OR (SELECT sender FROM pushes WHERE id = u.push) = :sender) "
     "ORDER BY u.id LIMIT :limit",
     {"DELETE FROM history WHERE subject IN (SELECT id FROM updates WHERE id IN (SELECT value FROM "
      "json_each(:ids)) AND result IS NOT NULL)",
      "DELETE FROM updates WHERE id IN (SELECT value FROM json_each(:ids)) AND result IS NOT "
      "NULL"}},
    /* A push that a platform has not looked at yet stays, however old: it was acknowledged … */
    {"SELECT p.id FROM pushes p WHERE p.id > :after AND p.received < :before AND (:sender IS NULL "
     "OR p.sender = :sender) AND " PRUNE_MATCHED
     " AND NOT EXISTS (SELECT 1 FROM updates u WHERE u.push = p.id) ORDER BY p.id LIMIT :limit",
     {"DELETE FROM pushes WHERE id IN (SELECT value FROM json_each(:ids)) AND NOT EXISTS (SELECT "
      "1 FROM updates u WHERE u.push = pushes.id)",
      NULL}},
    /* … unless a newer one of the same image waits for the same platforms. */
    {"SELECT p.id FROM (SELECT id, received, sender, lead(id) OVER (PARTITION BY image ORDER BY "
     "id) AS newer FROM pushes WHERE id > (SELECT min(through) FROM platforms)) p WHERE p.newer "
     "IS NOT NULL AND p.id > :after AND p.received < :before AND (:sender IS NULL OR p.sender = "
     ":sender) AND NOT EXISTS (SELECT 1 FROM updates u WHERE u.push = p.id) ORDER BY p.id LIMIT "
     ":limit",
     {"DELETE FROM arrivals WHERE push IN (SELECT value FROM json_each(:ids))",
      "DELETE FROM pushes WHERE id IN (SELECT value FROM json_each(:ids)) AND NOT EXISTS (SELECT "
      "1 FROM updates u WHERE u.push = pushes.id)"}},
};

static const struct {
    const char *sql;
    bool dated; /* it has the parameter :before */
} prune_statements[] = {
    {"DELETE FROM holds WHERE until <> 0 AND until < :before", true},
    /* The oldest entries up to the first that is kept: the chain has no holes even after the clock
     * was set back. */
    {"WITH old AS (SELECT seq, at, hash FROM audit ORDER BY seq LIMIT 500) "
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

/* ---- pushes and updates ---- */

static void find_ids(struct store *store, size_t kind, const struct prune *prune,
                     struct prune_ids *out) {
    struct query query = query_open(store, prune_kinds[kind].find, NULL);
    size_t len = 0;
    query_bind_int(&query, ":after", out->last);
    query_bind_int(&query, ":before", prune->before_ms);
    query_bind_text(&query, ":sender", prune->sender);
    query_bind_int(&query, ":limit", prune->sender ? PRUNE_BATCH_OF_SENDER : PRUNE_BATCH);
    out->count = 0;
    while (out->count < PRUNE_BATCH && query_next(&query)) {
        out->last = query_int(&query, "id");
        len += (size_t)snprintf(out->text + len, sizeof out->text - len, "%c%lld",
                                out->count == 0 ? '[' : ',', (long long)out->last);
        out->count++;
    }
    (void)snprintf(out->text + len, sizeof out->text - len, "]");
    if (!query_close(&query)) {
        out->count = 0;
    }
}

static bool delete_ids(struct store *store, size_t kind, const struct prune_ids *ids) {
    if (!store_begin(store, NULL)) {
        return false;
    }
    bool good = true;
    for (size_t i = 0; good && i < ARRAY_LENGTH(prune_kinds[kind].delete); i++) {
        if (prune_kinds[kind].delete[i]) {
            struct query query = query_open(store, prune_kinds[kind].delete[i], NULL);
            query_bind_text(&query, ":ids", ids->text);
            good = store_run(&query);
        }
    }
    return store_end(store, good, NULL);
}

static bool enough(struct store *store, const struct prune *prune) {
    return prune->sender && store_usage_of(store, prune->sender) <= prune->bytes;
}

static void prune_kind(struct store *store, size_t kind, const struct prune *prune) {
    struct prune_ids ids = {.last = 0};
    for (int i = 0; i < PRUNE_BATCHES && !enough(store, prune); i++) {
        find_ids(store, kind, prune, &ids);
        if (ids.count == 0 || !delete_ids(store, kind, &ids)) {
            return;
        }
    }
}

/* ---- the others ---- */

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
    const struct prune prune = {.before_ms = before_ms};
    for (size_t kind = 0; kind < ARRAY_LENGTH(prune_kinds); kind++) {
        prune_kind(store, kind, &prune);
    }
    for (int i = 0; i < PRUNE_BATCHES && prune_batch(store, before_ms); i++) {
    }
}

/* The time of the oldest row; INT64_MAX: none. */
static int64_t oldest_ms(struct store *store) {
    struct query query = query_open(
        store,
        "SELECT min(ifnull((SELECT received FROM pushes ORDER BY id LIMIT 1), 9223372036854775807),"
        " ifnull((SELECT created FROM updates ORDER BY id LIMIT 1), 9223372036854775807),"
        " ifnull((SELECT at FROM audit ORDER BY seq LIMIT 1), 9223372036854775807)) AS number",
        NULL);
    int64_t at_ms = INT64_MAX;
    return query_number(&query, &at_ms) ? at_ms : INT64_MAX;
}

void store_prune_size(struct store *store, int64_t max_bytes, int64_t now_ms) {
    const int64_t from_ms = oldest_ms(store);
    const int64_t until_ms = now_ms - STORE_KEEP_MS;
    if (max_bytes <= 0 || store_used(store) <= max_bytes) {
        return;
    }
    for (int64_t i = 1; from_ms < until_ms && i <= PRUNE_PIECES; i++) {
        store_prune(store, from_ms + (until_ms - from_ms) / PRUNE_PIECES * i);
        if (store_used(store) <= max_bytes / 10 * 9) {
            return;
        }
    }
}

void store_prune_sender(struct store *store, const char *sender, int64_t quota, int64_t now_ms) {
    if (quota <= 0 || store_usage_of(store, sender) <= quota / 4 * 3) {
        return;
    }
    const struct prune prune = {
        .before_ms = now_ms - STORE_KEEP_MS, .sender = sender, .bytes = quota / 2};
    for (size_t kind = 0; kind < ARRAY_LENGTH(prune_kinds); kind++) {
        prune_kind(store, kind, &prune);
    }
}
