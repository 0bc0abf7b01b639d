/* Matching: stores what a platform found for the pushes it looked at, in one transaction. */
#include "agent/model/id.h"
#include "agent/store/internal.h"
#include "agent/store/kinds.h"

/* The actor of a match: the push's sender. */
#define MATCH_ACTOR_SIZE (PUSH_SENDER_SIZE + 8)
static void match_actor(const struct store_match *match, char out[MATCH_ACTOR_SIZE]) {
    (void)snprintf(out, MATCH_ACTOR_SIZE, "sender %s", match->push->sender);
}

/* ---- superseding ---- */

#define SUPERSEDED_MAX 64

struct superseded {
    struct err *err;
    int64_t ids[SUPERSEDED_MAX];
    size_t count;
};

static bool supersede_rows(struct store *store, const struct store_match *match,
                           const struct store_history_line *line, struct superseded *out) {
    struct query query =
        query_open(store,
                   "UPDATE updates SET result = " RESULT_SQL_SUPERSEDED ", reason = :reason, "
                   "finished = :now, changed = :now, revision = revision + 1 "
                   "WHERE target = :target AND result IS NULL "
                   "AND stage IN (" STAGE_SQL_BEFORE_APPLY ") RETURNING id",
                   out->err);
    query_bind_text(&query, ":target", match->target->name);
    query_bind_text(&query, ":reason", line->detail);
    query_bind_int(&query, ":now", line->at_ms);
    while (query_next(&query)) {
        if (out->count < SUPERSEDED_MAX) {
            out->ids[out->count++] = query_int(&query, "id");
        }
    }
    return query_close(&query);
}

/* Ends the open updates of the match's target that have not reached `apply`. */
static bool match_supersede(struct store *store, struct store_matches *matches,
                            const struct store_match *match, struct err *err) {
    char id[ID_TEXT_SIZE];
    char reason[REASON_SIZE];
    char actor[MATCH_ACTOR_SIZE];
    struct superseded old = {.err = err};
    (void)snprintf(reason, sizeof reason, "a newer push of the image came: %s",
                   id_text("psh", match->push->id, id));
    match_actor(match, actor);
    struct store_history_line line = {.at_ms = matches->now_ms,
                                      .stage = "match",
                                      .event = result_text(RESULT_SUPERSEDED),
                                      .detail = reason,
                                      .actor = actor};
    bool good = supersede_rows(store, match, &line, &old);
    for (size_t i = 0; good && i < old.count; i++) {
        line.subject = old.ids[i];
        good = store_history_add(store, &line, err);
    }
    matches->superseded += old.count;
    return good;
}

/* ---- making updates ---- */

static bool match_line(struct store *store, const struct store_match *match,
                       const struct store_history_line *made, struct err *err) {
    char actor[MATCH_ACTOR_SIZE];
    char about[STORE_AUDIT_DETAIL_SIZE];
    char image[REF_TEXT_SIZE];
    char push[ID_TEXT_SIZE];
    (void)snprintf(about, sizeof about, "%s for %s%s%s (%s)%s%s",
                   ref_text(&match->push->image, image), match->target->name,
                   match->push->digest[0] ? ", " : "", match->push->digest,
                   id_text("psh", match->push->id, push), match->reason ? ": " : "",
                   match->reason ? match->reason : "");
    match_actor(match, actor);
    struct store_history_line line = *made;
    line.stage = "match";
    line.event = match->result ? result_text(match->result) : "created";
    line.detail = match->reason;
    line.actor = actor;
    line.about = about;
    return store_history_add(store, &line, err);
}

/* Did an earlier leader make this update already? */
static bool match_made(struct store *store, const struct store_match *match) {
    if (!store->shared) {
        return false;
    }
    struct query query =
        query_open(store,
                   "SELECT EXISTS(SELECT 1 FROM updates WHERE push = :push AND target = :target) "
                   "AS number",
                   NULL);
    int64_t made = 0;
    query_bind_int(&query, ":push", match->push->id);
    query_bind_text(&query, ":target", match->target->name);
    return query_number(&query, &made) && made == 1;
}

static bool match_insert(struct store *store, const struct store_match *match,
                         const struct store_history_line *made, struct err *err) {
    struct query query = query_open(
        store,
        "INSERT INTO updates(id, push, target, instance, image, stage, result, reason, "
        "from_digest, to_digest, not_before, stage_since, attempts, created, finished, "
        "changed, revision, step, back, journal, project) VALUES(:id, :push, :target, :instance, "
        ":image, " STAGE_SQL_POLICY ", :result, :reason, :from, :to, 0, :now, 0, :now, "
        ":finished, :now, 0, '', 0, '{}', :project)",
        err);
    char image[REF_TEXT_SIZE];
    struct ref wanted = match->target->image;
    if (match->tag) {
        (void)snprintf(wanted.tag, sizeof wanted.tag, "%s", match->tag);
    }
    query_bind_int(&query, ":id", made->subject);
    query_bind_int(&query, ":push", match->push->id);
    query_bind_text(&query, ":target", match->target->name);
    query_bind_text(&query, ":instance", match->target->instance);
    query_bind_text(&query, ":image", ref_text(&wanted, image));
    query_bind_text(&query, ":result", result_text(match->result));
    query_bind_text(&query, ":reason", match->reason ? match->reason : "");
    query_bind_text(&query, ":from", match->target->running);
    query_bind_text(&query, ":to", match->push->digest);
    query_bind_text(&query, ":project", match->target->project);
    query_bind_int(&query, ":now", made->at_ms);
    query_bind_int(&query, ":finished", match->result ? made->at_ms : 0);
    return store_run(&query);
}

static bool match_one(struct store *store, struct store_matches *matches,
                      const struct store_match *match, struct err *err) {
    if (match_made(store, match)) {
        return true;
    }
    /* A push by digest alone may be about another tag, so it supersedes nothing. */
    bool supersedes = !match->result && match->push->image.tag[0];
    if (supersedes && !match_supersede(store, matches, match, err)) {
        return false;
    }
    struct store_history_line made = {.subject = id_next(), .at_ms = matches->now_ms};
    return match_insert(store, match, &made, err) && match_line(store, match, &made, err);
}

/* ---- the pushes that were looked at ---- */

static bool match_push_superseded(struct store *store, const struct push *push, struct err *err) {
    struct query query =
        query_open(store, "UPDATE pushes SET superseded_by = :newer WHERE id = :id", err);
    query_bind_int(&query, ":id", push->id);
    query_bind_int(&query, ":newer", push->superseded_by);
    return store_run(&query);
}

static bool match_through(struct store *store, const struct store_matches *matches,
                          struct err *err) {
    struct query query = query_open(
        store, "UPDATE platforms SET through = max(through, :push) WHERE name = :platform", err);
    query_bind_text(&query, ":platform", matches->platform);
    query_bind_int(&query, ":push", matches->through);
    return store_run(&query);
}

/* Several replicas: removes the push from those that arrived for the platform. After the last
 * platform the push is to go into the ledger. */
static bool match_arrived_one(struct store *store, const char *platform, int64_t push,
                              struct err *err) {
    struct query arrived =
        query_open(store, "DELETE FROM arrivals WHERE platform = :platform AND push = :push", err);
    query_bind_text(&arrived, ":platform", platform);
    query_bind_int(&arrived, ":push", push);
    if (!store_run(&arrived)) {
        return false;
    }
    struct query share =
        query_open(store,
                   "INSERT INTO shared(kind, key, slot, dirty) SELECT " SHARE_PUSH ", :push, -1, 1 "
                   "WHERE NOT EXISTS(SELECT 1 FROM arrivals WHERE push = :push) AND NOT "
                   "EXISTS(SELECT 1 FROM shared WHERE kind = " SHARE_PUSH " AND key = :push)",
                   err);
    query_bind_int(&share, ":push", push);
    return store_run(&share);
}

/* Only the pushes that were looked at: others may have arrived meanwhile. */
static bool match_arrived(struct store *store, const struct store_matches *matches,
                          struct err *err) {
    bool good = true;
    for (size_t i = 0; good && i < matches->pushes->count; i++) {
        good = match_arrived_one(store, matches->platform, matches->pushes->items[i].id, err);
    }
    return good;
}

bool store_match(struct store *store, struct store_matches *matches, struct err *err) {
    matches->superseded = 0;
    if (!store_begin(store, err)) {
        return false;
    }
    bool good = match_through(store, matches, err) &&
                (!store->shared || match_arrived(store, matches, err));
    for (size_t i = 0; good && i < matches->count; i++) {
        good = match_one(store, matches, &matches->items[i], err);
    }
    for (size_t i = 0; good && i < matches->pushes->count; i++) {
        const struct push *push = &matches->pushes->items[i];
        good = !push->superseded_by || match_push_superseded(store, push, err);
    }
    return store_end(store, good, err);
}
