/* Updates: owns reading and saving them. The revision decides between two that change one at once:
 * the second is lost. */
#include "agent/model/id.h"
#include "agent/store/internal.h"
#include "base/clock.h"

#define UPDATE_SELECT                                                                              \
    "SELECT u.id AS id, u.push AS push, u.target AS target, u.instance AS instance, "              \
    "u.image AS image, u.stage AS stage, u.result AS result, u.reason AS reason, "                 \
    "u.from_digest AS from_digest, u.to_digest AS to_digest, u.not_before AS not_before, "         \
    "u.stage_since AS stage_since, u.attempts AS attempts, u.created AS created, "                 \
    "u.finished AS finished, u.revision AS revision, p.digest AS pushed_digest, "                  \
    "p.received AS received, p.sender AS sender, u.approved AS approved, u.step AS step, u.back "  \
    "AS back, "                                                                                    \
    "u.\"group\" AS \"group\", u.depends_on AS depends_on, u.waits_for_room AS waits_for_room, "   \
    "u.project AS project, u.journal AS journal FROM updates u JOIN pushes p ON p.id = u.push "

/* ---- reading ---- */

/* The order and the journal, which are owned. */
static bool update_read_owned(struct query *row, struct update *update) {
    if (!store_order_read(row, &update->order)) {
        return false;
    }
    const char *journal = query_borrow_text(row, "journal");
    update->journal = journal ? strdup(journal) : NULL;
    if (journal && !update->journal) {
        update_release(update);
        query_fail(row);
        return err_set(row->err, ERR_BUG, "out of memory");
    }
    return true;
}

static bool update_read(struct query *row, struct update *out) {
    char image[REF_TEXT_SIZE];
    struct update update = {.id = query_int(row, "id"), .push = query_int(row, "push")};
    query_text(row, "target", update.target, sizeof update.target);
    query_text(row, "instance", update.instance, sizeof update.instance);
    query_text(row, "image", image, sizeof image);
    update.stage = stage_parse(query_borrow_text(row, "stage"));
    update.result = result_parse(query_borrow_text(row, "result"));
    query_text(row, "reason", update.reason, sizeof update.reason);
    query_text(row, "from_digest", update.from, sizeof update.from);
    query_text(row, "to_digest", update.to, sizeof update.to);
    update.not_before_ms = query_int(row, "not_before");
    update.stage_since_ms = query_int(row, "stage_since");
    update.attempts = query_int(row, "attempts");
    update.created_ms = query_int(row, "created");
    update.finished_ms = query_int(row, "finished");
    update.revision = query_int(row, "revision");
    query_text(row, "pushed_digest", update.pushed_digest, sizeof update.pushed_digest);
    update.received_ms = query_int(row, "received");
    query_text(row, "sender", update.sender, sizeof update.sender);
    query_text(row, "approved", update.approved, sizeof update.approved);
    query_text(row, "step", update.step, sizeof update.step);
    update.back = query_int(row, "back") != 0;
    if (!ref_parse(image, &update.image, row->err)) {
        query_fail(row);
        return err_wrap(row->err, "state database: an update's image");
    }
    if (!update_read_owned(row, &update)) {
        return false;
    }
    *out = update;
    return true;
}

/* False: out of memory. Grows in powers of two: a list is full when its length is one. */
static bool updates_room(struct updates *list) {
    if ((list->count & (list->count - 1)) != 0) {
        return true;
    }
    struct update *more =
        reallocarray(list->items, list->count ? list->count * 2 : 1, sizeof *more);
    list->items = more ? more : list->items;
    return more != NULL;
}

bool store_update_find(struct store *store, int64_t id, struct update *out, struct err *err) {
    struct query query = query_open(store, UPDATE_SELECT "WHERE u.id = :id", err);
    query_bind_int(&query, ":id", id);
    bool found = query_next(&query) && update_read(&query, out);
    return query_close(&query) && (found || err_set(err, ERR_GONE, "no such update"));
}

static struct query update_list_query(struct store *store, const struct store_filter *filter,
                                      struct err *err) {
    if (filter->push) {
        struct query query =
            query_open(store, UPDATE_SELECT "WHERE u.push = :push ORDER BY u.id LIMIT :limit", err);
        query_bind_int(&query, ":push", filter->push);
        return query;
    }
    return query_open(store,
                      filter->open_only ? UPDATE_SELECT
                          "WHERE u.result IS NULL ORDER BY u.id DESC LIMIT :limit"
                                        : UPDATE_SELECT "ORDER BY u.id DESC LIMIT :limit",
                      err);
}

bool store_update_list(struct store *store, const struct store_filter *filter, struct updates *out,
                       struct err *err) {
    CLEANUP(updates_release) struct updates list = {0};
    struct query query = update_list_query(store, filter, err);
    query_bind_int(&query, ":limit", (int64_t)filter->limit);
    while (query_next(&query)) {
        if (!updates_room(&list)) {
            query_fail(&query);
            (void)err_set(err, ERR_BUG, "out of memory");
        } else if (update_read(&query, &list.items[list.count])) {
            list.count++;
        }
    }
    if (!query_close(&query)) {
        return false;
    }
    *out = list;
    list = (struct updates){0};
    return true;
}

/* ---- questions about open updates ---- */

/* A row that was changed in the future shows that the clock was set back: it is due at once. Fetches
 * come last: few run at once, and a long queue of them would fill the limit. */
#define DUE_ORDER "u.stage = " STAGE_SQL_FETCH ", u.not_before, u.changed, u.id"
#define DUE_HOST "substr(u.image, 1, instr(u.image, '/') - 1)"
#define DUE_PLATFORM "substr(u.target, 1, instr(u.target, '/') - 1)"
#define DUE_FROM                                                                                   \
    "FROM updates u JOIN pushes p ON p.id = u.push WHERE u.result IS NULL AND "                    \
    "(u.not_before <= :now OR u.changed > :now + 1000) AND (:full IS NULL OR "                     \
    "CASE WHEN u.stage IN (" STAGE_SQL_AT_REGISTRY ") THEN "                                       \
    "instr(:full, ' ' || u.stage || '@' || " DUE_HOST " || ' ') = 0 AND "                          \
    "instr(:full, ' ' || u.stage || '@* ') = 0 "                                                   \
    "ELSE instr(:full, ' @' || " DUE_PLATFORM " || ' ') = 0 END) "

static uint64_t due_hash(uint64_t hash, const char *text) {
    for (; text && *text; text++) {
        hash = (hash ^ (unsigned char)*text) * UINT64_C(1099511628211); /* FNV-1a */
    }
    return (hash ^ 0xffU) * UINT64_C(1099511628211);
}

bool store_due(struct store *store, int64_t now_ms, struct store_due *out, struct err *err) {
    struct query query =
        query_open(store,
                   out->each_party
                       ? "SELECT id, sender, namespace FROM (SELECT u.id AS id, p.sender AS "
                         "sender, " STORE_NAMESPACE
                         " AS namespace, row_number() OVER (PARTITION BY p.sender, " STORE_NAMESPACE
                         " ORDER BY " DUE_ORDER ") AS place " DUE_FROM ") "
                         "WHERE place <= 4 ORDER BY place LIMIT :limit"
                       : "SELECT u.id AS id, p.sender AS sender, " STORE_NAMESPACE
                         " AS namespace " DUE_FROM "ORDER BY " DUE_ORDER " LIMIT :limit",
                   err);
    query_bind_int(&query, ":now", now_ms);
    query_bind_int(&query, ":limit", STORE_DUE_MAX);
    query_bind_text(&query, ":full", out->full && *out->full ? out->full : NULL);
    out->count = 0;
    while (query_next(&query)) {
        out->items[out->count].id = query_int(&query, "id");
        uint64_t sender =
            due_hash(UINT64_C(14695981039346656037), query_borrow_text(&query, "sender"));
        out->items[out->count++].party = due_hash(sender, query_borrow_text(&query, "namespace"));
    }
    return query_close(&query);
}

int64_t store_next_due(struct store *store, int64_t after_ms) {
    struct query query = query_open(store,
                                    "SELECT not_before AS number FROM updates WHERE result IS NULL "
                                    "AND not_before > :after ORDER BY not_before LIMIT 1",
                                    NULL);
    int64_t due = INT64_MAX;
    query_bind_int(&query, ":after", after_ms);
    return query_number(&query, &due) && due < UPDATE_UNTIL_WOKEN ? due : INT64_MAX;
}

bool store_count_open(struct store *store, int64_t push, size_t *out, struct err *err) {
    struct query query = query_open(store,
                                    "SELECT count(*) AS number FROM updates "
                                    "WHERE push = :push AND result IS NULL",
                                    err);
    int64_t count = 0;
    query_bind_int(&query, ":push", push);
    bool good = query_number(&query, &count);
    *out = good ? (size_t)count : *out;
    return good;
}

bool store_count_stages(struct store *store, struct store_stages *out, struct err *err) {
    struct query query = query_open(store,
                                    "SELECT stage, count(*) AS count FROM updates "
                                    "WHERE result IS NULL GROUP BY stage ORDER BY stage",
                                    err);
    out->count = 0;
    while (out->count < ARRAY_LENGTH(out->items) && query_next(&query)) {
        out->items[out->count].stage = stage_parse(query_borrow_text(&query, "stage"));
        out->items[out->count++].count = query_int(&query, "count");
    }
    return query_close(&query);
}

bool store_push_is_open(struct store *store, int64_t push) {
    size_t open = 0;
    return store_count_open(store, push, &open, NULL) && open > 0;
}

bool store_find_other(struct store *store, const struct update *update, int64_t *out,
                      struct err *err) {
    struct query query = query_open(store,
                                    "SELECT max(id) AS number FROM updates "
                                    "WHERE target = :target AND result IS NULL AND id <> :id",
                                    err);
    query_bind_text(&query, ":target", update->target);
    query_bind_int(&query, ":id", update->id);
    return query_number(&query, out);
}

/* ---- saving ---- */

static bool update_write(struct store *store, const struct update *update, int64_t changed_ms,
                         struct err *err) {
    struct query query = query_open(
        store,
        "UPDATE updates SET instance = :instance, stage = :stage, result = :result, "
        "reason = :reason, from_digest = :from, to_digest = :to, "
        "not_before = :not_before, stage_since = :stage_since, attempts = :attempts, "
        "finished = :finished, changed = :changed, step = :step, back = :back, "
        "journal = :journal, approved = :approved, \"group\" = :group, "
        "depends_on = :depends_on, waits_for_room = :waits_for_room, project = :project, "
        "revision = :revision + 1 WHERE id = :id AND revision = :revision",
        err);
    const struct update_order *order = &update->order;
    query_bind_text(&query, ":instance", update->instance);
    query_bind_text(&query, ":stage", stage_text(update->stage));
    query_bind_text(&query, ":result", result_text(update->result));
    query_bind_text(&query, ":reason", update->reason);
    query_bind_text(&query, ":from", update->from);
    query_bind_text(&query, ":to", update->to);
    query_bind_int(&query, ":not_before", update->not_before_ms);
    query_bind_int(&query, ":stage_since", update->stage_since_ms);
    query_bind_int(&query, ":attempts", update->attempts);
    query_bind_int(&query, ":finished", update->result ? update->finished_ms : 0);
    query_bind_int(&query, ":changed", changed_ms);
    query_bind_text(&query, ":step", update->step);
    query_bind_int(&query, ":back", update->back);
    query_bind_text(&query, ":journal", update->journal ? update->journal : "{}");
    query_bind_text(&query, ":approved", update->approved);
    query_bind_text(&query, ":group", order->known ? order->group : NULL);
    query_bind_text(&query, ":depends_on", order->depends_on ? order->depends_on : "");
    query_bind_int(&query, ":waits_for_room", order->waits_for_room);
    query_bind_text(&query, ":project", order->placed ? order->project : NULL);
    query_bind_int(&query, ":revision", update->revision);
    query_bind_int(&query, ":id", update->id);
    return store_run(&query);
}

/* The stages that the update has passed through, then the event itself. */
static bool update_lines(struct store *store, const struct update *update,
                         const struct store_event *event, int64_t now_ms, struct err *err) {
    bool good = true;
    for (size_t i = 0; good && i < event->passed_count; i++) {
        const struct store_passed *passed = &event->passed[i];
        struct store_history_line line = {.subject = update->id,
                                          .at_ms = passed->at_ms,
                                          .stage = stage_text(passed->stage),
                                          .event = "next",
                                          .detail = passed->detail};
        good = store_history_add(store, &line, err);
    }
    struct store_history_line line = {.subject = update->id,
                                      .at_ms = now_ms,
                                      .stage = stage_text(event->stage),
                                      .event = event->event,
                                      .detail = event->detail,
                                      .actor = event->actor};
    return good && (!event->event || store_history_add(store, &line, err));
}

static enum store_change update_save(struct store *store, const struct update *update,
                                     const struct store_event *event, struct err *err) {
    int64_t now = clock_now_ms();
    if (!update_write(store, update, event->decided_ms ? event->decided_ms : now, err)) {
        return STORE_FAILED;
    }
    if (sqlite3_changes(store->db) == 0) {
        return STORE_LOST;
    }
    return update_lines(store, update, event, now, err) ? STORE_CHANGED : STORE_FAILED;
}

/* Does not wait for the disk. */
static enum store_change update_commit(struct store *store, const struct update *update,
                                       const struct store_event *event, struct err *err) {
    if (!store_begin_fast(store, err)) {
        return STORE_FAILED;
    }
    enum store_change change = update_save(store, update, event, err);
    if (!store_end_fast(store, change == STORE_CHANGED, err) && change == STORE_CHANGED) {
        change = STORE_FAILED;
    }
    return change;
}

enum store_change store_update_save(struct store *store, struct update *update,
                                    const struct store_event *event, struct err *err) {
    enum store_change change = update_commit(store, update, event, err);
    if (change == STORE_CHANGED) {
        update->revision++;
        if (!event->fast && !store_flush(store, err)) {
            change = STORE_FAILED; /* readers see it already, but a power failure may undo it */
        }
    }
    return change;
}
