/* The slots of the ledger: owns their rows and their text. */
#include "agent/model/id.h"
#include "agent/store/incoming.h"
#include "agent/store/kinds.h"
#include "agent/store/share.h"
#include "base/json.h"

/* ---- taking a slot in ---- */

static bool slot_pushes(struct store *store, const json_t *document, struct err *err) {
    size_t i = 0;
    json_t *row = NULL;
    json_array_foreach(json_array_member(document, "pushes"), i, row) {
        struct incoming_push push = incoming_push(row);
        /* In the ledger each key has one push: no twin, even if this replica knows one. */
        if ((!incoming_known(store, push.id) && !incoming_insert(store, &push, 0, err)) ||
            !incoming_superseded(store, push.id, json_int(row, "superseded", 0), err)) {
            return false;
        }
    }
    return incoming_watermarks(store, err);
}

struct slot_source {
    const char *text;
    int slot;
    struct err *err;
};

enum { SLOT_TEXT = 1, SLOT_NUMBER = 2 };
struct slot_step {
    const char *sql;
    unsigned binds; /* SLOT_TEXT: the parameter :text; SLOT_NUMBER: :slot */
};

static bool slot_steps(struct store *store, const struct slot_step *steps, size_t count,
                       const struct slot_source *source) {
    for (size_t i = 0; i < count; i++) {
        struct query query = query_open(store, steps[i].sql, source->err);
        if (steps[i].binds & SLOT_TEXT) {
            query_bind_text(&query, ":text", source->text);
        }
        if (steps[i].binds & SLOT_NUMBER) {
            query_bind_int(&query, ":slot", source->slot);
        }
        if (!store_run(&query)) {
            return false;
        }
    }
    return true;
}

/* Deletes the rows that are no longer in the slot. Finished updates stay as history. */
static const struct slot_step slot_deletes[] = {
    {"DELETE FROM updates WHERE result IS NULL AND id IN (SELECT key FROM shared WHERE "
     "kind = " SHARE_UPDATE " AND slot = :slot) AND id NOT IN (SELECT value ->> 'id' FROM "
     "json_each(:text, '$.updates'))",
     SLOT_TEXT | SLOT_NUMBER},
    {"DELETE FROM holds WHERE target IN (SELECT key FROM shared WHERE kind = " SHARE_HOLD
     " AND slot = :slot) AND target NOT IN (SELECT value ->> 'target' FROM json_each(:text, "
     "'$.holds'))",
     SLOT_TEXT | SLOT_NUMBER},
    {"DELETE FROM rejected WHERE target || ' ' || digest IN (SELECT key FROM shared WHERE "
     "kind = " SHARE_REJECTED " AND slot = :slot) AND target || ' ' || digest NOT IN (SELECT "
     "(value ->> 'target') || ' ' || (value ->> 'digest') FROM json_each(:text, '$.rejected'))",
     SLOT_TEXT | SLOT_NUMBER},
    {"DELETE FROM arrivals WHERE push IN (SELECT value ->> 'id' FROM json_each(:text, "
     "'$.pushes'))",
     SLOT_TEXT},
};

static const struct slot_step slot_inserts[] = {
    /* A replica of the version before has the group and depends_on in the journal, or no project: its
     * group may be anybody's (agent/model/scope.h). A leader that
     * had lost the lead may have written late: its match was made again meanwhile. */
    {"INSERT INTO updates(id, push, target, instance, image, stage, result, reason, from_digest, "
     "to_digest, not_before, stage_since, attempts, created, finished, changed, revision, step, "
     "back, journal, approved, \"group\", depends_on, project) SELECT value ->> 'id', value ->> "
     "'push', "
     "value ->> 'target', value ->> 'instance', value ->> 'image', value ->> 'stage', "
     "value ->> 'result', value ->> 'reason', value ->> 'from', value ->> 'to', "
     "value ->> 'not_before', value ->> 'stage_since', value ->> 'attempts', "
     "value ->> 'created', value ->> 'finished', value ->> 'changed', 1, value ->> 'step', "
     "value ->> 'back', value ->> 'journal', value ->> 'approved', "
     "CASE WHEN json_type(value, '$.project') IS NULL AND ifnull(value ->> 'group', "
     "(value ->> 'journal') ->> '$.group') <> '' THEN '*/' ELSE '' END || "
     "coalesce(value ->> 'group', (value ->> 'journal') ->> '$.group'), "
     "coalesce(value ->> 'depends_on', (SELECT group_concat(n.value, ',') FROM "
     "json_each(json_each.value ->> 'journal', '$.depends_on') n), ''), value ->> 'project' "
     "FROM json_each(:text, '$.updates') WHERE NOT EXISTS"
     "(SELECT 1 FROM updates o JOIN shared s ON s.kind = " SHARE_UPDATE
     " AND s.key = o.id AND s.stored = 1 WHERE o.push = value ->> 'push' AND "
     "o.target = value ->> 'target' AND o.id <> value ->> 'id') "
     "ON CONFLICT(id) DO UPDATE SET instance = excluded.instance, image = excluded.image, "
     "stage = excluded.stage, result = excluded.result, reason = excluded.reason, "
     "from_digest = excluded.from_digest, to_digest = excluded.to_digest, "
     "not_before = excluded.not_before, stage_since = excluded.stage_since, "
     "attempts = excluded.attempts, finished = excluded.finished, changed = excluded.changed, "
     "revision = revision + 1, step = excluded.step, back = excluded.back, "
     "journal = excluded.journal, approved = excluded.approved, "
     "\"group\" = excluded.\"group\", depends_on = excluded.depends_on, "
     "project = excluded.project",
     SLOT_TEXT},
    {"INSERT OR REPLACE INTO holds(target, until, reason, at) SELECT value ->> 'target', "
     "value ->> 'until', value ->> 'reason', value ->> 'at' FROM json_each(:text, '$.holds')",
     SLOT_TEXT},
    {"INSERT OR REPLACE INTO rejected(target, digest, \"update\", at) SELECT value ->> 'target', "
     "value ->> 'digest', value ->> 'update', value ->> 'at' FROM json_each(:text, "
     "'$.rejected')",
     SLOT_TEXT},
};

#define SLOT_KEYS(more)                                                                            \
    "SELECT " SHARE_PUSH ", value ->> 'id'" more " FROM json_each(:text, '$.pushes') UNION ALL "   \
    "SELECT " SHARE_UPDATE ", value ->> 'id'" more " FROM json_each(:text, '$.updates') UNION "    \
    "ALL SELECT " SHARE_HOLD ", value ->> 'target'" more " FROM json_each(:text, '$.holds') "      \
    "UNION ALL SELECT " SHARE_REJECTED                                                             \
    ", (value ->> 'target') || ' ' || (value ->> 'digest')" more                                   \
    " FROM json_each(:text, '$.rejected')"

/* Makes the text's rows the only rows of the slot, and removes them from other slots. */
static const struct slot_step slot_marks[] = {
    {"DELETE FROM shared WHERE slot = :slot", SLOT_NUMBER},
    {"DELETE FROM shared WHERE (kind, key) IN (" SLOT_KEYS("") ")", SLOT_TEXT},
    {"INSERT INTO shared(kind, key, slot, dirty, stored) " SLOT_KEYS(", :slot, 0, 1"),
     SLOT_TEXT | SLOT_NUMBER},
};

static bool slot_take_all(struct store *store, const json_t *document,
                          const struct slot_source *source) {
    return slot_pushes(store, document, source->err) &&
           slot_steps(store, slot_deletes, ARRAY_LENGTH(slot_deletes), source) &&
           slot_steps(store, slot_inserts, ARRAY_LENGTH(slot_inserts), source) &&
           slot_steps(store, slot_marks, ARRAY_LENGTH(slot_marks), source);
}

bool store_slot_take(struct store *store, int slot, const char *text, struct err *err) {
    CLEANUP(json_release) json_t *document = NULL;
    const struct slot_source source = {.text = text, .slot = slot, .err = err};
    if (!incoming_parse(text, &document, err) || !store_begin(store, err) ||
        !store_end(store, slot_take_all(store, document, &source), err)) {
        return false;
    }
    struct query query =
        query_open(store, "SELECT ifnull(max(id), 0) AS number FROM updates", NULL);
    int64_t largest = 0;
    if (query_number(&query, &largest)) {
        id_after(largest);
    }
    return true;
}

/* ---- giving rows a slot ---- */

struct slots {
    int used[STORE_SLOTS];
    int at; /* the slot to fill next */
};

static bool slots_count(struct store *store, struct slots *out, struct err *err) {
    struct query query = query_open(
        store, "SELECT slot, count(*) AS rows FROM shared WHERE slot >= 0 GROUP BY slot", err);
    *out = (struct slots){0};
    while (query_next(&query)) {
        int64_t slot = query_int(&query, "slot");
        if (slot < STORE_SLOTS) {
            out->used[slot] = (int)query_int(&query, "rows");
        }
    }
    return query_close(&query);
}

static bool slots_give(struct store *store, struct slots *slots, int64_t row, struct err *err) {
    while (slots->at < STORE_SLOTS && slots->used[slots->at] >= STORE_SLOT_ROWS) {
        slots->at++;
    }
    if (slots->at == STORE_SLOTS) {
        return err_set(err, ERR_TRANSIENT, "the ledger is full: too many updates are open");
    }
    slots->used[slots->at]++;
    struct query query = query_open(store, "UPDATE shared SET slot = :slot WHERE id = :row", err);
    query_bind_int(&query, ":row", row);
    query_bind_int(&query, ":slot", slots->at);
    return store_run(&query);
}

#define ASSIGN_BATCH 1024

/* The next rows without a slot. False: there are none, or they cannot be read. */
static bool assign_next(struct store *store, enum store_assign which, int64_t rows[ASSIGN_BATCH],
                        size_t *count) {
    static const char *const sql[] = {
        [STORE_ASSIGN_OTHERS] = "SELECT id FROM shared WHERE slot < 0 AND kind <> " SHARE_PUSH
                                " ORDER BY kind, key LIMIT :limit",
        [STORE_ASSIGN_PUSHES] =
            "SELECT s.id AS id FROM shared s WHERE s.slot < 0 AND s.kind = " SHARE_PUSH
            " AND NOT EXISTS(SELECT 1 FROM arrivals a WHERE a.push = s.key AND a.platform IN "
            "(SELECT name FROM platforms)) AND NOT EXISTS(SELECT 1 FROM updates u JOIN shared x "
            "ON x.kind = " SHARE_UPDATE " AND x.key = u.id WHERE u.push = s.key AND "
            "x.stored <> 1) ORDER BY s.key LIMIT :limit"};
    struct query query = query_open(store, sql[which], NULL);
    query_bind_int(&query, ":limit", ASSIGN_BATCH);
    *count = 0;
    while (query_next(&query)) {
        rows[(*count)++] = query_int(&query, "id");
    }
    return query_close(&query) && *count > 0;
}

bool store_slots_assign(struct store *store, enum store_assign which, struct err *err) {
    int64_t rows[ASSIGN_BATCH];
    size_t count = 0;
    struct slots slots;
    if (!assign_next(store, which, rows, &count)) {
        return true;
    }
    if (!slots_count(store, &slots, err) || !store_begin(store, err)) {
        return false;
    }
    bool good = true;
    do {
        for (size_t i = 0; good && i < count; i++) {
            good = slots_give(store, &slots, rows[i], err);
        }
    } while (good && assign_next(store, which, rows, &count));
    return store_end(store, good, err);
}

int store_slot_dirty(struct store *store, int from) {
    struct query query = query_open(store,
                                    "SELECT slot AS number FROM shared WHERE slot >= :from AND "
                                    "dirty <> 0 ORDER BY slot LIMIT 1",
                                    NULL);
    int64_t slot = -1;
    query_bind_int(&query, ":from", from);
    return query_number(&query, &slot) ? (int)slot : -1;
}

bool store_slot_used(struct store *store, int slot) {
    struct query query =
        query_open(store, "SELECT 1 AS number FROM shared WHERE slot = :slot LIMIT 1", NULL);
    int64_t used = 0;
    query_bind_int(&query, ":slot", slot);
    return query_number(&query, &used);
}

/* ---- writing a slot ---- */

void store_slot_release(struct store_slot *slot) {
    buf_release(&slot->text);
}

/* Notes which rows change with the slot, before their text is read. */
static bool slot_read_rows(struct store *store, struct store_slot *out, struct err *err) {
    struct query query = query_open(store,
                                    "SELECT id, dirty FROM shared WHERE slot = :slot AND "
                                    "dirty <> 0 LIMIT :limit",
                                    err);
    query_bind_int(&query, ":slot", out->slot);
    query_bind_int(&query, ":limit", STORE_SLOT_ROWS);
    while (query_next(&query)) {
        out->rows[out->count].row = query_int(&query, "id");
        out->rows[out->count++].dirty = query_int(&query, "dirty");
    }
    return query_close(&query);
}

static bool slot_read_text(struct store *store, struct store_slot *out, struct err *err) {
    struct query query = query_open(
        store,
        "SELECT json_object("
        "'pushes', (SELECT json_group_array(json_object('id', p.id, 'lead', p.lead, 'sender', "
        "p.sender,"
        " 'image', p.image, 'digest', p.digest, 'meta', p.meta, 'received', p.received, "
        "'superseded',"
        " p.superseded_by, 'key', lower(hex(p.key)), 'body', lower(hex(p.body)))) FROM shared s "
        "JOIN "
        "pushes p ON p.id = s.key WHERE s.kind = " SHARE_PUSH
        " AND s.slot = :slot AND s.dirty >= 0),"
        "'updates', (SELECT json_group_array(json_object('id', u.id, 'push', u.push, 'target', "
        "u.target, 'instance', u.instance, 'image', u.image, 'stage', u.stage, 'result', u.result, "
        "'reason', u.reason, 'from', u.from_digest, 'to', u.to_digest, 'not_before', u.not_before, "
        "'stage_since', u.stage_since, 'attempts', u.attempts, 'created', u.created, 'finished', "
        "u.finished, 'changed', u.changed, 'step', u.step, 'back', u.back, 'journal', u.journal, "
        "'approved', u.approved, 'group', u.\"group\", 'depends_on', u.depends_on, 'project', "
        "u.project)) FROM shared s "
        "JOIN "
        "updates u ON u.id = s.key WHERE s.kind = " SHARE_UPDATE
        " AND s.slot = :slot AND s.dirty >= 0),"
        "'holds', (SELECT json_group_array(json_object('target', h.target, 'until', h.until, "
        "'reason', "
        "h.reason, 'at', h.at)) FROM shared s JOIN holds h ON h.target = s.key WHERE s.kind "
        "= " SHARE_HOLD " AND s.slot = :slot AND s.dirty >= 0),"
        "'rejected', (SELECT json_group_array(json_object('target', r.target, 'digest', r.digest, "
        "'update', r.\"update\", 'at', r.at)) FROM shared s JOIN rejected r ON r.target || ' ' || "
        "r.digest = s.key WHERE s.kind = " SHARE_REJECTED
        " AND s.slot = :slot AND s.dirty >= 0)) AS text",
        err);
    query_bind_int(&query, ":slot", out->slot);
    if (query_next(&query)) {
        const char *text = query_borrow_text(&query, "text");
        buf_puts(&out->text, text ? text : "{}");
    }
    return query_close(&query) &&
           (!out->text.overflow ||
            err_set(err, ERR_BUG, "the text of slot %d of the ledger is too large", out->slot));
}

bool store_slot_read(struct store *store, int slot, struct store_slot *out, struct err *err) {
    *out = (struct store_slot){.slot = slot, .text = BUF_INIT(STORE_SLOT_MAX)};
    if (!store_snapshot(store, err)) {
        return false;
    }
    bool good = slot_read_rows(store, out, err) && slot_read_text(store, out, err);
    store_snapshot_end(store);
    return good;
}

/* A row that changed again since it was read stays dirty. */
static bool slot_clean_row(struct store *store, int64_t row, int64_t dirty, struct err *err) {
    struct query query = query_open(
        store,
        dirty < 0 ? "DELETE FROM shared WHERE id = :row AND dirty = :dirty"
                  : "UPDATE shared SET stored = 1, dirty = CASE WHEN dirty = :dirty THEN 0 ELSE "
                    "dirty END WHERE id = :row",
        err);
    query_bind_int(&query, ":row", row);
    query_bind_int(&query, ":dirty", dirty);
    return store_run(&query);
}

/* Forgets holds and rejected digests that were deleted here, now that the ledger lacks them too. */
static bool slot_forget_deleted(struct store *store, int slot, struct err *err) {
    struct query query =
        query_open(store,
                   "DELETE FROM shared WHERE slot = :slot AND dirty = 0 AND ((kind = " SHARE_HOLD
                   " AND key NOT IN (SELECT target FROM holds)) OR (kind = " SHARE_REJECTED
                   " AND key NOT IN (SELECT target || ' ' || digest FROM rejected)))",
                   err);
    query_bind_int(&query, ":slot", slot);
    return store_run(&query);
}

bool store_slot_written(struct store *store, const struct store_slot *slot, struct err *err) {
    if (!store_begin(store, err)) {
        return false;
    }
    bool good = true;
    for (size_t i = 0; good && i < slot->count; i++) {
        good = slot_clean_row(store, slot->rows[i].row, slot->rows[i].dirty, err);
    }
    return store_end(store, good && slot_forget_deleted(store, slot->slot, err), err);
}
