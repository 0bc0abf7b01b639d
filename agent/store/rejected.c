/* Digests that were rolled back on a target. Owns their table. */
#include "agent/store/internal.h"

#include "base/clock.h"

bool store_rejected(struct store *store, const char *target, const char *digest,
                    int64_t *out_update) {
    struct query query = query_open(store,
                                    "SELECT \"update\" AS number FROM rejected "
                                    "WHERE target = :target AND digest = :digest",
                                    NULL);
    query_bind_text(&query, ":target", target);
    query_bind_text(&query, ":digest", digest);
    return query_number(&query, out_update);
}

bool store_reject(struct store *store, const struct update *update, struct err *err) {
    struct query query = query_open(store,
                                    "INSERT OR REPLACE INTO rejected(target, digest, \"update\", "
                                    "at) VALUES(:target, :digest, :update, :at)",
                                    err);
    query_bind_text(&query, ":target", update->target);
    query_bind_text(&query, ":digest", update->to);
    query_bind_int(&query, ":update", update->id);
    query_bind_int(&query, ":at", clock_now_ms());
    return store_run(&query);
}

bool store_unreject(struct store *store, const char *target, const char *digest, struct err *err) {
    struct query query =
        query_open(store, "DELETE FROM rejected WHERE target = :target AND digest = :digest", err);
    query_bind_text(&query, ":target", target);
    query_bind_text(&query, ":digest", digest);
    return store_run(&query);
}
