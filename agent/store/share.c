/* The ledger's side of the store. Owns the tables shared (row -> slot, and whether it changed since
 * it was written there), inbox (object -> its pushes) and arrivals (pushes that came by the inbox
 * and wait to be matched, whatever their ids), and the triggers that note changes. */
#include "agent/store/share.h"

#include <sqlite3.h>

#include "agent/model/id.h"
#include "agent/store/internal.h"
#include "agent/store/keys.h"
#include "base/json.h"

#define SHARE_REJECTED "1000"
#define SHARE_JSON_DEPTH 8
/* Kinds of rows, as numbers in SQL. */
#define PUSH "1"
#define UPDATE "2"
#define HOLD "3"
#define REJECTED "4"

/* slot: -1 none yet. dirty: 0 written as it is, -1 to be taken out, else a count of the changes
 * since. stored: 1 the ledger has it; 0 it never had, and who loses the lead forgets it; 2 it has
 * not, and it is from before there was a ledger. */
static const char share_on[] =
    "CREATE TRIGGER share_update_new AFTER INSERT ON updates BEGIN "
    "INSERT INTO shared(kind, key, slot, dirty) SELECT " UPDATE ", new.id, -1, 1 WHERE NOT EXISTS"
    "(SELECT 1 FROM shared WHERE kind = " UPDATE " AND key = new.id); END;"
    "CREATE TRIGGER share_update_changed AFTER UPDATE ON updates WHEN old.stage <> new.stage "
    "OR old.result IS NOT new.result OR old.reason <> new.reason OR old.step <> new.step "
    "OR old.back <> new.back OR old.approved <> new.approved "
    "OR (old.journal <> new.journal AND new.stage IN (" STAGE_SQL_JOURNALLED ")) BEGIN "
    "UPDATE shared SET dirty = max(dirty, 0) + 1 WHERE kind = " UPDATE " AND key = new.id; END;"
    "CREATE TRIGGER share_push_changed AFTER UPDATE OF superseded_by ON pushes BEGIN "
    "UPDATE shared SET dirty = max(dirty, 0) + 1 WHERE kind = " PUSH " AND key = new.id; END;"
    "CREATE TRIGGER share_hold AFTER INSERT ON holds BEGIN "
    "UPDATE shared SET dirty = max(dirty, 0) + 1 WHERE kind = " HOLD " AND key = new.target;"
    "INSERT INTO shared(kind, key, slot, dirty) SELECT " HOLD ", new.target, -1, 1 WHERE NOT EXISTS"
    "(SELECT 1 FROM shared WHERE kind = " HOLD " AND key = new.target); END;"
    "CREATE TRIGGER share_hold_gone AFTER DELETE ON holds BEGIN "
    "UPDATE shared SET dirty = max(dirty, 0) + 1 WHERE kind = " HOLD " AND key = old.target; END;"
    "CREATE TRIGGER share_reject AFTER INSERT ON rejected BEGIN "
    "UPDATE shared SET dirty = max(dirty, 0) + 1 WHERE kind = " REJECTED
    " AND key = new.target || ' ' || new.digest;"
    "INSERT INTO shared(kind, key, slot, dirty) SELECT " REJECTED
    ", new.target || ' ' || new.digest, -1, 1 WHERE NOT EXISTS (SELECT 1 FROM shared "
    "WHERE kind = " REJECTED " AND key = new.target || ' ' || new.digest); END;"
    "CREATE TRIGGER share_reject_gone AFTER DELETE ON rejected BEGIN "
    "UPDATE shared SET dirty = max(dirty, 0) + 1 WHERE kind = " REJECTED
    " AND key = old.target || ' ' || old.digest; END;"
    /* What was here before. */
    "INSERT INTO arrivals SELECT p.name, x.id FROM platforms p JOIN pushes x ON x.id > p.through;"
    "INSERT INTO inbox(object, push, seen) SELECT DISTINCT '', push, 1 FROM arrivals;"
    "UPDATE platforms SET through = max(through, (SELECT ifnull(max(id), 0) FROM pushes));"
    "INSERT INTO shared(kind, key, slot, dirty, stored) SELECT " UPDATE
    ", id, -1, 1, 2 FROM updates WHERE result IS NULL;"
    "INSERT INTO shared(kind, key, slot, dirty, stored) SELECT DISTINCT " PUSH
    ", push, -1, 1, 2 FROM updates WHERE result IS NULL AND push NOT IN (SELECT push FROM "
    "arrivals);"
    "INSERT INTO shared(kind, key, slot, dirty, stored) SELECT " HOLD
    ", target, -1, 1, 2 FROM holds;"
    "INSERT INTO shared(kind, key, slot, dirty, stored) SELECT " REJECTED
    ", target || ' ' || digest, -1, 1, 2 FROM rejected ORDER BY at DESC LIMIT " SHARE_REJECTED ";";

static const char share_off[] =
    "DROP TRIGGER IF EXISTS share_update_new; DROP TRIGGER IF EXISTS share_update_changed;"
    "DROP TRIGGER IF EXISTS share_push_changed;"
    "DROP TRIGGER IF EXISTS share_hold; DROP TRIGGER IF EXISTS share_hold_gone;"
    "DROP TRIGGER IF EXISTS share_reject; DROP TRIGGER IF EXISTS share_reject_gone;"
    "DELETE FROM shared; DELETE FROM inbox;";

/* ---- small statements, made when they are needed ---- */

static sqlite3_stmt *share_prepare(struct store *store, const char *sql) {
    sqlite3_stmt *statement = NULL;
    (void)sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL);
    return statement;
}

static bool share_end(struct store *store, sqlite3_stmt *statement, struct err *err) {
    bool good = store_run(store, statement, err);
    (void)sqlite3_finalize(statement);
    return good;
}

static bool share_exec(struct store *store, const char *sql, struct err *err) {
    return sqlite3_exec(store->db, sql, NULL, NULL, NULL) == SQLITE_OK ||
           store_error(store, "write", err);
}

static bool share_run_text(struct store *store, const char *sql, const char *text,
                           struct err *err) {
    sqlite3_stmt *statement = share_prepare(store, sql);
    if (statement) {
        store_bind_text(statement, 1, text);
    }
    return share_end(store, statement, err);
}

static int64_t share_number(struct store *store, const char *sql, int64_t argument) {
    sqlite3_stmt *statement = share_prepare(store, sql);
    int64_t number = -1;
    if (statement) {
        (void)sqlite3_bind_int64(statement, 1, argument);
        number = sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : -1;
    }
    (void)sqlite3_finalize(statement);
    return number;
}

static bool share_finish(struct store *store, bool good, struct err *err) {
    if (!good) {
        store_rollback(store);
        return false;
    }
    return store_commit(store, err);
}

bool store_share(struct store *store, bool on, struct err *err) {
    if (store->shared == on) {
        return true;
    }
    if (!store_begin(store, err)) {
        return false;
    }
    /* Twice in a row is nothing: another connection may have done it. */
    bool good = share_exec(store, share_off, err) && (!on || share_exec(store, share_on, err));
    good = share_finish(store, good, err);
    store->shared = good ? on : store->shared;
    return good;
}

/* ---- deliveries ---- */

static json_t *offer_hex(const unsigned char bytes[DIGEST_BYTES]) {
    char text[2 * DIGEST_BYTES + 1];
    digest_hex(bytes, DIGEST_BYTES, text);
    return json_string(text);
}

static json_t *offer_row(const struct webhook_delivery *delivery, size_t i, int64_t lead,
                         int64_t now_ms) {
    struct ref image = delivery->images[i].ref;
    char text[REF_TEXT_SIZE];
    int64_t id = i == 0 ? lead : id_next();
    json_t *digest = json_text_or_null(image.digest);
    image.digest[0] = '\0';
    json_t *row = json_pack("{sI sI so so so so sI sI}", "id", (json_int_t)id, "lead",
                            (json_int_t)lead, "sender", json_text_or_null(delivery->sender),
                            "image", json_text_or_null(ref_text(&image, text)), "digest", digest,
                            "meta", json_text_or_null(delivery->images[i].meta), "received",
                            (json_int_t)now_ms, "superseded", (json_int_t)0);
    if (row && delivery->keyed && i == 0) {
        (void)json_object_set_new(row, "key", offer_hex(delivery->key));
        (void)json_object_set_new(row, "body", offer_hex(delivery->body_hash));
    }
    return row;
}

bool store_offer(struct store *store, struct webhook_delivery *delivery, int64_t now_ms,
                 json_t **rows, struct err *err) {
    *rows = NULL;
    if (!store_keys_load(store, err)) {
        return false;
    }
    if (store_keys_seen(store, delivery)) {
        return true;
    }
    CLEANUP(json_release) json_t *list = json_array();
    int64_t lead = id_next();
    for (size_t i = 0; i < delivery->count; i++) {
        if (json_array_append_new(list, offer_row(delivery, i, lead, now_ms)) != 0) {
            return err_set(err, ERR_BUG, "out of memory");
        }
    }
    (void)id_text("psh", lead, delivery->id);
    delivery->outcome = WEBHOOK_PENDING;
    *rows = TAKE(list);
    return true;
}

/* ---- pushes that others wrote ---- */

struct share_push {
    const json_t *row;
    int64_t id;
    bool keyed;
    unsigned char key[DIGEST_BYTES], body[DIGEST_BYTES];
};

static bool push_hex(const json_t *row, const char *member, unsigned char out[DIGEST_BYTES]) {
    const char *text = json_text(row, member);
    return text && digest_hex_decode(text, strlen(text), out, DIGEST_BYTES);
}

static struct share_push push_of(const json_t *row) {
    struct share_push push = {.row = row, .id = json_int(row, "id", 0)};
    push.keyed = push_hex(row, "key", push.key) && push_hex(row, "body", push.body);
    return push;
}

static bool push_known(struct store *store, int64_t id) {
    return share_number(store, "SELECT 1 FROM pushes WHERE id = ?1", id) == 1;
}

/* Is the push that is known by that id another one? Two replicas made the same id at the same time:
 * hardly ever, as half of each is random (id_spread). */
static bool push_other(struct store *store, const struct share_push *push) {
    sqlite3_stmt *statement = share_prepare(
        store, "SELECT 1 FROM pushes WHERE id = ?1 AND NOT (image IS ?2 AND sender IS ?3 AND "
               "digest IS ?4 AND received IS ?5)");
    if (!statement) {
        return false;
    }
    const char *digest = json_text(push->row, "digest");
    (void)sqlite3_bind_int64(statement, 1, push->id);
    store_bind_text(statement, 2, json_text(push->row, "image"));
    store_bind_text(statement, 3, json_text(push->row, "sender"));
    store_bind_text(statement, 4, digest ? digest : "");
    (void)sqlite3_bind_int64(statement, 5, json_int(push->row, "received", 0));
    bool other = sqlite3_step(statement) == SQLITE_ROW;
    (void)sqlite3_finalize(statement);
    return other;
}

/* Another push with the same key: the same delivery was accepted twice, at two replicas. 0: none.
 */
static int64_t push_twin(struct store *store, const struct share_push *push) {
    int64_t twin = 0;
    sqlite3_stmt *statement =
        push->keyed ? share_prepare(store, "SELECT push FROM keys WHERE key = ?1 AND push <> ?2")
                    : NULL;
    if (statement) {
        (void)sqlite3_bind_blob(statement, 1, push->key, DIGEST_BYTES, SQLITE_STATIC);
        (void)sqlite3_bind_int64(statement, 2, push->id);
        twin = sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    }
    (void)sqlite3_finalize(statement);
    return twin;
}

static bool push_key(struct store *store, const struct share_push *push, struct err *err) {
    sqlite3_stmt *statement = store_statement(store, STORE_SQL_KEY_ADD);
    if (statement) {
        (void)sqlite3_bind_blob(statement, 1, push->key, DIGEST_BYTES, SQLITE_STATIC);
        (void)sqlite3_bind_int64(statement, 2, push->id);
    }
    return store_run(store, statement, err);
}

static bool push_insert(struct store *store, const struct share_push *push, int64_t twin,
                        struct err *err) {
    struct ref image = {0};
    const char *name = json_text(push->row, "image");
    const char *sender = json_text(push->row, "sender");
    const char *digest = json_text(push->row, "digest");
    if (push->id <= 0 || !sender || !name || !ref_parse(name, &image, err)) {
        return err_set(err, ERR_INVALID, "a record holds something that is no push");
    }
    sqlite3_stmt *statement = store_statement(store, STORE_SQL_PUSH_ADD);
    if (!statement) {
        return store_error(store, "prepare", err);
    }
    (void)sqlite3_bind_int64(statement, 1, push->id);
    (void)sqlite3_bind_int64(statement, 2, json_int(push->row, "lead", push->id));
    store_bind_text(statement, 3, sender);
    store_bind_text(statement, 4, name);
    store_bind_text(statement, 5, digest ? digest : "");
    store_bind_text(statement, 6, json_text(push->row, "meta"));
    (void)sqlite3_bind_int64(statement, 7, json_int(push->row, "received", 0));
    if (push->keyed && !twin) {
        (void)sqlite3_bind_blob(statement, 8, push->key, DIGEST_BYTES, SQLITE_STATIC);
        (void)sqlite3_bind_blob(statement, 9, push->body, DIGEST_BYTES, SQLITE_STATIC);
    }
    id_after(push->id);
    return store_run(store, statement, err) && (!push->keyed || twin || push_key(store, push, err));
}

/* superseded_by: 0 leaves it as it is. */
static bool push_superseded(struct store *store, int64_t id, int64_t superseded_by,
                            struct err *err) {
    if (!superseded_by) {
        return true;
    }
    sqlite3_stmt *statement = share_prepare(
        store, "UPDATE pushes SET superseded_by = ?2 WHERE id = ?1 AND superseded_by <> ?2");
    if (statement) {
        (void)sqlite3_bind_int64(statement, 1, id);
        (void)sqlite3_bind_int64(statement, 2, superseded_by);
    }
    return share_end(store, statement, err);
}

static bool push_run(struct store *store, const char *sql, int64_t id, struct err *err) {
    sqlite3_stmt *statement = share_prepare(store, sql);
    if (statement) {
        (void)sqlite3_bind_int64(statement, 1, id);
    }
    return share_end(store, statement, err);
}

/* All keys are in the index, and all pushes below the watermark: arrivals tell what is new. */
static bool push_watermarks(struct store *store, struct err *err) {
    return share_exec(store,
                      "UPDATE keys_through SET through = max(through, (SELECT ifnull(max(id), 0) "
                      "FROM pushes));"
                      "UPDATE platforms SET through = max(through, (SELECT ifnull(max(id), 0) FROM "
                      "pushes));",
                      err);
}

/* ---- the inbox ---- */

static bool inbox_note(struct store *store, const char *object, int64_t push, struct err *err) {
    sqlite3_stmt *statement =
        share_prepare(store, "INSERT OR REPLACE INTO inbox(object, push, seen) VALUES(?1, ?2, 1)");
    if (statement) {
        store_bind_text(statement, 1, object);
        (void)sqlite3_bind_int64(statement, 2, push);
    }
    return share_end(store, statement, err);
}

static bool inbox_push(struct store *store, const char *object, struct share_push *push,
                       struct err *err) {
    if (push_other(store, push)) {
        push->id |= ID_SPARE;
    }
    int64_t twin = push_twin(store, push);
    if ((!push_known(store, push->id) && !push_insert(store, push, twin, err)) ||
        (object && !inbox_note(store, object, push->id, err))) {
        return false;
    }
    if (twin) {
        return push_superseded(store, push->id, twin, err) &&
               push_run(store,
                        "INSERT INTO shared(kind, key, slot, dirty) SELECT " PUSH ", ?1, -1, 1 "
                        "WHERE NOT EXISTS(SELECT 1 FROM shared WHERE kind = " PUSH " AND key = ?1)",
                        push->id, err);
    }
    return push_run(store,
                    "INSERT OR IGNORE INTO arrivals SELECT name, ?1 FROM platforms WHERE NOT "
                    "EXISTS(SELECT 1 FROM shared WHERE kind = " PUSH
                    " AND key = ?1 AND stored = 1)",
                    push->id, err);
}

static bool share_parse(const char *text, json_t **out, struct err *err) {
    return json_parse_deep(text, strlen(text), SHARE_JSON_DEPTH, out, err) ||
           err_wrap(err, "a record of the cluster");
}

bool store_inbox_take(struct store *store, const char *object, const char *text, struct err *err) {
    CLEANUP(json_release) json_t *document = NULL;
    size_t i = 0;
    json_t *row = NULL;
    if (!share_parse(text, &document, err) || !store_begin(store, err)) {
        return false;
    }
    bool good = true;
    json_array_foreach(json_array_member(document, "pushes"), i, row) {
        struct share_push push = push_of(row);
        good = good && inbox_push(store, object, &push, err);
    }
    return share_finish(store, good && push_watermarks(store, err), err);
}

bool store_inbox_gone(struct store *store, const char *object, struct err *err) {
    return share_run_text(store, "DELETE FROM inbox WHERE object = ?1", object, err);
}

/* The object "" holds what was to be matched before sharing was switched on. */
static const char inbox_ends[] =
    "DELETE FROM inbox WHERE seen = 0;"
    "DELETE FROM inbox WHERE object = '' AND push NOT IN (SELECT push FROM arrivals);"
    "DELETE FROM arrivals WHERE push NOT IN (SELECT push FROM inbox);";

bool store_inbox_sweep(struct store *store, bool ends, struct err *err) {
    static const char begins[] = "UPDATE inbox SET seen = 0 WHERE object <> '';";
    if (!store_begin(store, err)) {
        return false;
    }
    return share_finish(store, share_exec(store, ends ? inbox_ends : begins, err), err);
}

size_t store_inbox_count(struct store *store) {
    int64_t count =
        share_number(store, "SELECT count(DISTINCT object) FROM inbox WHERE object <> ''", 0);
    return count > 0 ? (size_t)count : 0;
}

bool store_inbox_consumed(struct store *store, char out[STORE_INBOX_NAME_SIZE]) {
    sqlite3_stmt *statement = share_prepare(
        store, "SELECT object FROM inbox i WHERE object <> '' AND NOT EXISTS(SELECT 1 FROM inbox j "
               "LEFT JOIN shared "
               "s ON s.kind = " PUSH " AND s.key = j.push WHERE j.object = i.object AND "
               "(s.slot IS NULL OR s.stored <> 1 OR s.dirty > 0)) LIMIT 1");
    bool found = statement && sqlite3_step(statement) == SQLITE_ROW;
    if (found) {
        store_column_text(statement, 0, out, STORE_INBOX_NAME_SIZE);
    }
    (void)sqlite3_finalize(statement);
    return found;
}

/* ---- taking in a slot ---- */

bool store_share_reset(struct store *store, struct err *err) {
    if (!store_begin(store, err)) {
        return false;
    }
    bool good = share_exec(
        store,
        "DELETE FROM history WHERE subject IN (SELECT key FROM shared WHERE kind = " UPDATE
        " AND stored = 0);"
        "DELETE FROM updates WHERE id IN (SELECT key FROM shared WHERE kind = " UPDATE
        " AND stored = 0);"
        "DELETE FROM holds WHERE target IN (SELECT key FROM shared WHERE kind = " HOLD
        " AND stored = 0);"
        "DELETE FROM rejected WHERE target || ' ' || digest IN (SELECT key FROM shared WHERE "
        "kind = " REJECTED " AND stored = 0);"
        "DELETE FROM shared WHERE stored = 0;"
        "UPDATE shared SET dirty = 0 WHERE stored = 1 AND dirty <> 0;"
        "UPDATE shared SET dirty = 1, slot = -1 WHERE stored = 2;",
        err);
    return share_finish(store, good, err);
}

/* ?1: the slot's text, ?2: its number. In this order. */
static const char *const slot_sql[] = {
    "DELETE FROM updates WHERE result IS NULL AND id IN (SELECT key FROM shared WHERE kind "
    "= " UPDATE
    " AND slot = ?2) AND id NOT IN (SELECT value ->> 'id' FROM json_each(?1, '$.updates'))",
    "DELETE FROM holds WHERE target IN (SELECT key FROM shared WHERE kind = " HOLD
    " AND slot = ?2) AND target NOT IN (SELECT value ->> 'target' FROM json_each(?1, '$.holds'))",
    "DELETE FROM rejected WHERE target || ' ' || digest IN (SELECT key FROM shared WHERE "
    "kind = " REJECTED " AND slot = ?2) AND target || ' ' || digest NOT IN (SELECT (value ->> "
    "'target') || ' ' || (value ->> 'digest') FROM json_each(?1, '$.rejected'))",
    "DELETE FROM arrivals WHERE push IN (SELECT value ->> 'id' FROM json_each(?1, '$.pushes')) "
    "AND ?2 >= 0",
    "INSERT INTO updates(id, push, target, instance, image, stage, result, reason, from_digest, "
    "to_digest, not_before, stage_since, attempts, created, finished, changed, revision, step, "
    "back, journal, approved, \"group\", depends_on) SELECT value ->> 'id', value ->> 'push', "
    "value ->> 'target', "
    "value ->> 'instance', value ->> 'image', value ->> 'stage', value ->> 'result', "
    "value ->> 'reason', value ->> 'from', value ->> 'to', value ->> 'not_before', "
    "value ->> 'stage_since', value ->> 'attempts', value ->> 'created', value ->> 'finished', "
    "value ->> 'changed', 1, value ->> 'step', value ->> 'back', value ->> 'journal', "
    "value ->> 'approved', coalesce(value ->> 'group', (value ->> 'journal') ->> '$.group'), "
    /* A replica of the version before has them in the journal. */
    "coalesce(value ->> 'depends_on', (SELECT group_concat(n.value, ',') FROM "
    "json_each(json_each.value ->> 'journal', '$.depends_on') n), '') FROM json_each(?1, "
    "'$.updates') WHERE ?2 >= 0 AND NOT "
    "EXISTS"
    /* A leader that had lost the lead may have written late: its match was made anew meanwhile. */
    "(SELECT 1 FROM updates o JOIN shared s ON s.kind = " UPDATE
    " AND s.key = o.id AND s.stored = 1 "
    "WHERE o.push = value ->> 'push' AND o.target = value ->> 'target' AND o.id <> value ->> 'id') "
    "ON CONFLICT(id) DO UPDATE "
    "SET instance = excluded.instance, image = excluded.image, stage = excluded.stage, "
    "result = excluded.result, reason = excluded.reason, from_digest = excluded.from_digest, "
    "to_digest = excluded.to_digest, not_before = excluded.not_before, "
    "stage_since = excluded.stage_since, attempts = excluded.attempts, "
    "finished = excluded.finished, changed = excluded.changed, revision = revision + 1, "
    "step = excluded.step, back = excluded.back, journal = excluded.journal, "
    "approved = excluded.approved, \"group\" = excluded.\"group\", "
    "depends_on = excluded.depends_on",
    "INSERT OR REPLACE INTO holds SELECT value ->> 'target', value ->> 'until', value ->> "
    "'reason', "
    "value ->> 'at' FROM json_each(?1, '$.holds') WHERE ?2 >= 0",
    "INSERT OR REPLACE INTO rejected SELECT value ->> 'target', value ->> 'digest', "
    "value ->> 'update', value ->> 'at' FROM json_each(?1, '$.rejected') WHERE ?2 >= 0",
    "DELETE FROM shared WHERE slot = ?2 OR ?1 IS NULL",
    "DELETE FROM shared WHERE ?2 >= 0 AND (kind, key) IN (SELECT " PUSH
    ", value ->> 'id' FROM json_each(?1, '$.pushes') UNION ALL SELECT " UPDATE
    ", value ->> 'id' FROM json_each(?1, '$.updates') UNION ALL SELECT " HOLD
    ", value ->> 'target' FROM json_each(?1, '$.holds') UNION ALL SELECT " REJECTED
    ", (value ->> 'target') || ' ' || (value ->> 'digest') FROM json_each(?1, '$.rejected'))",
    "INSERT INTO shared(kind, key, slot, dirty, stored) SELECT " PUSH
    ", value ->> 'id', ?2, 0, 1 FROM json_each(?1, '$.pushes') UNION ALL SELECT " UPDATE
    ", value ->> 'id', ?2, 0, 1 FROM json_each(?1, '$.updates') UNION ALL SELECT " HOLD
    ", value ->> 'target', ?2, 0, 1 FROM json_each(?1, '$.holds') UNION ALL SELECT " REJECTED
    ", (value ->> 'target') || ' ' || (value ->> 'digest'), ?2, 0, 1 FROM json_each(?1, "
    "'$.rejected')",
};

static bool slot_pushes(struct store *store, const json_t *document, struct err *err) {
    size_t i = 0;
    json_t *row = NULL;
    json_array_foreach(json_array_member(document, "pushes"), i, row) {
        struct share_push push = push_of(row);
        /* It is the first of its key, whatever came here before. */
        if ((!push_known(store, push.id) && !push_insert(store, &push, 0, err)) ||
            !push_superseded(store, push.id, json_int(row, "superseded", 0), err)) {
            return false;
        }
    }
    return push_watermarks(store, err);
}

static bool slot_rows(struct store *store, int slot, const char *text, struct err *err) {
    for (size_t i = 0; i < ARRAY_LENGTH(slot_sql); i++) {
        sqlite3_stmt *statement = share_prepare(store, slot_sql[i]);
        if (statement) {
            store_bind_text(statement, 1, text);
            (void)sqlite3_bind_int(statement, 2, slot);
        }
        if (!share_end(store, statement, err)) {
            return false;
        }
    }
    return true;
}

bool store_slot_take(struct store *store, int slot, const char *text, struct err *err) {
    CLEANUP(json_release) json_t *document = NULL;
    if (!share_parse(text, &document, err) || !store_begin(store, err)) {
        return false;
    }
    bool good = slot_pushes(store, document, err) && slot_rows(store, slot, text, err);
    good = share_finish(store, good, err);
    if (good) {
        id_after(share_number(store, "SELECT ifnull(max(id), 0) FROM updates", 0));
    }
    return good;
}

/* ---- giving slots ---- */

struct slots {
    int used[STORE_SLOTS];
    int at; /* the one that is being filled */
};

static bool slots_count(struct store *store, struct slots *out, struct err *err) {
    sqlite3_stmt *statement =
        share_prepare(store, "SELECT slot, count(*) FROM shared WHERE slot >= 0 GROUP BY slot");
    int code = SQLITE_ERROR;
    *out = (struct slots){0};
    while (statement && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        int slot = sqlite3_column_int(statement, 0);
        if (slot < STORE_SLOTS) {
            out->used[slot] = sqlite3_column_int(statement, 1);
        }
    }
    (void)sqlite3_finalize(statement);
    return code == SQLITE_DONE || store_error(store, "read", err);
}

static bool slots_give(struct store *store, struct slots *slots, int64_t row, struct err *err) {
    while (slots->at < STORE_SLOTS && slots->used[slots->at] >= STORE_SLOT_ROWS) {
        slots->at++;
    }
    if (slots->at == STORE_SLOTS) {
        return err_set(err, ERR_TRANSIENT, "the ledger is full: too many updates are open");
    }
    slots->used[slots->at]++;
    sqlite3_stmt *statement = share_prepare(store, "UPDATE shared SET slot = ?2 WHERE id = ?1");
    if (statement) {
        (void)sqlite3_bind_int64(statement, 1, row);
        (void)sqlite3_bind_int(statement, 2, slots->at);
    }
    return share_end(store, statement, err);
}

#define ASSIGN_BATCH 1024

static bool assign_next(struct store *store, enum store_assign which, int64_t rows[ASSIGN_BATCH],
                        size_t *count) {
    static const char *const sql[] = {
        [STORE_ASSIGN_OTHERS] =
            "SELECT id FROM shared WHERE slot < 0 AND kind <> " PUSH " ORDER BY kind, key LIMIT ?1",
        [STORE_ASSIGN_PUSHES] =
            "SELECT s.id FROM shared s WHERE s.slot < 0 AND s.kind = " PUSH " AND NOT EXISTS"
            "(SELECT 1 FROM arrivals a WHERE a.push = s.key AND a.platform IN (SELECT name FROM "
            "platforms)) AND NOT EXISTS(SELECT 1 FROM updates u JOIN shared x ON x.kind = " UPDATE
            " AND x.key = u.id WHERE u.push = s.key AND x.stored <> 1) ORDER BY s.key LIMIT ?1"};
    sqlite3_stmt *statement = share_prepare(store, sql[which]);
    if (statement) {
        (void)sqlite3_bind_int(statement, 1, ASSIGN_BATCH);
    }
    *count = 0;
    while (*count < ASSIGN_BATCH && statement && sqlite3_step(statement) == SQLITE_ROW) {
        rows[(*count)++] = sqlite3_column_int64(statement, 0);
    }
    (void)sqlite3_finalize(statement);
    return *count > 0;
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
    return share_finish(store, good, err);
}

int store_slot_dirty(struct store *store, int from) {
    return (int)share_number(store,
                             "SELECT slot FROM shared WHERE slot >= ?1 AND dirty <> 0 ORDER BY "
                             "slot LIMIT 1",
                             from);
}

bool store_slot_used(struct store *store, int slot) {
    return share_number(store, "SELECT EXISTS(SELECT 1 FROM shared WHERE slot = ?1)", slot) == 1;
}

/* ---- writing a slot ---- */

void store_slot_release(struct store_slot *slot) {
    buf_release(&slot->text);
}

static const char slot_export[] =
    "SELECT json_object("
    "'pushes', (SELECT json_group_array(json_object('id', p.id, 'lead', p.lead, 'sender', p.sender,"
    " 'image', p.image, 'digest', p.digest, 'meta', p.meta, 'received', p.received, 'superseded',"
    " p.superseded_by, 'key', lower(hex(p.key)), 'body', lower(hex(p.body)))) FROM shared s JOIN "
    "pushes p ON p.id = s.key WHERE s.kind = " PUSH " AND s.slot = ?1 AND s.dirty >= 0),"
    "'updates', (SELECT json_group_array(json_object('id', u.id, 'push', u.push, 'target', "
    "u.target, 'instance', u.instance, 'image', u.image, 'stage', u.stage, 'result', u.result, "
    "'reason', u.reason, 'from', u.from_digest, 'to', u.to_digest, 'not_before', u.not_before, "
    "'stage_since', u.stage_since, 'attempts', u.attempts, 'created', u.created, 'finished', "
    "u.finished, 'changed', u.changed, 'step', u.step, 'back', u.back, 'journal', u.journal, "
    "'approved', u.approved, 'group', u.\"group\", 'depends_on', u.depends_on)) FROM shared s JOIN "
    "updates u ON u.id = s.key WHERE s.kind = " UPDATE " AND s.slot = ?1 AND s.dirty >= 0),"
    "'holds', (SELECT json_group_array(json_object('target', h.target, 'until', h.until, 'reason', "
    "h.reason, 'at', h.at)) FROM shared s JOIN holds h ON h.target = s.key WHERE s.kind = " HOLD
    " AND s.slot = ?1 AND s.dirty >= 0),"
    "'rejected', (SELECT json_group_array(json_object('target', r.target, 'digest', r.digest, "
    "'update', r.\"update\", 'at', r.at)) FROM shared s JOIN rejected r ON r.target || ' ' || "
    "r.digest = s.key WHERE s.kind = " REJECTED " AND s.slot = ?1 AND s.dirty >= 0))";

/* Which rows change with it: before their text is read. */
static bool slot_marks(struct store *store, struct store_slot *out, struct err *err) {
    sqlite3_stmt *statement =
        share_prepare(store, "SELECT id, dirty FROM shared WHERE slot = ?1 AND dirty <> 0");
    int code = SQLITE_ERROR;
    if (statement) {
        (void)sqlite3_bind_int(statement, 1, out->slot);
    }
    while (statement && (code = sqlite3_step(statement)) == SQLITE_ROW &&
           out->count < STORE_SLOT_ROWS) {
        out->rows[out->count].row = sqlite3_column_int64(statement, 0);
        out->rows[out->count++].dirty = sqlite3_column_int64(statement, 1);
    }
    (void)sqlite3_finalize(statement);
    return code == SQLITE_DONE || code == SQLITE_ROW || store_error(store, "read", err);
}

bool store_slot_read(struct store *store, int slot, struct store_slot *out, struct err *err) {
    *out = (struct store_slot){.slot = slot, .text = BUF_INIT(STORE_SLOT_MAX)};
    if (!store_snapshot(store, err)) {
        return false;
    }
    sqlite3_stmt *statement = share_prepare(store, slot_export);
    bool good = slot_marks(store, out, err);
    if (statement) {
        (void)sqlite3_bind_int(statement, 1, slot);
    }
    if (good && statement && sqlite3_step(statement) == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(statement, 0);
        buf_puts(&out->text, text ? text : "{}");
    } else {
        good = good && store_error(store, "read", err);
    }
    (void)sqlite3_finalize(statement);
    store_snapshot_end(store);
    return good && (!out->text.overflow ||
                    err_set(err, ERR_BUG, "a part of the ledger is larger than may be"));
}

static bool slot_clean(struct store *store, const struct store_slot *slot, struct err *err) {
    bool good = true;
    for (size_t i = 0; good && i < slot->count; i++) {
        bool out = slot->rows[i].dirty < 0;
        sqlite3_stmt *statement =
            share_prepare(store, out ? "DELETE FROM shared WHERE id = ?1 AND dirty = ?2"
                                     : "UPDATE shared SET stored = 1, dirty = CASE WHEN dirty = ?2 "
                                       "THEN 0 ELSE dirty END "
                                       "WHERE id = ?1");
        if (statement) {
            (void)sqlite3_bind_int64(statement, 1, slot->rows[i].row);
            (void)sqlite3_bind_int64(statement, 2, slot->rows[i].dirty);
        }
        good = share_end(store, statement, err);
    }
    return good;
}

bool store_slot_written(struct store *store, const struct store_slot *slot, struct err *err) {
    if (!store_begin(store, err)) {
        return false;
    }
    bool good = slot_clean(store, slot, err) &&
                push_run(store,
                         "DELETE FROM shared WHERE slot = ?1 AND dirty = 0 AND ((kind = " HOLD
                         " AND key NOT IN (SELECT target FROM holds)) OR (kind = " REJECTED
                         " AND key NOT IN (SELECT target || ' ' || digest FROM rejected)))",
                         slot->slot, err);
    return share_finish(store, good, err);
}

/* ---- what the ledger need not keep ---- */

#define SHARE_DONE(push)                                                                           \
    "NOT EXISTS(SELECT 1 FROM updates o WHERE o.push = " push " AND o.result IS NULL) AND NOT "    \
    "EXISTS(SELECT 1 FROM pushes q WHERE q.id = " push " AND q.received >= ?1)"

size_t store_share_retire(struct store *store, int64_t before_ms) {
    static const char *const sql[] = {
        "UPDATE shared SET dirty = -1 WHERE slot >= 0 AND dirty = 0 AND kind = " PUSH
        " AND " SHARE_DONE("shared.key") " AND key NOT IN (SELECT push FROM inbox)",
        "UPDATE shared SET dirty = -1 WHERE slot >= 0 AND dirty = 0 AND kind = " UPDATE
        " AND NOT EXISTS(SELECT 1 FROM updates u JOIN shared s ON s.kind = " PUSH
        " AND s.key = u.push AND s.dirty >= 0 WHERE u.id = shared.key) AND NOT EXISTS"
        "(SELECT 1 FROM updates u WHERE u.id = shared.key AND u.result IS NULL) AND ?1 IS NOT NULL",
        "UPDATE shared SET dirty = -1 WHERE slot >= 0 AND dirty = 0 AND kind = " REJECTED
        " AND key NOT IN (SELECT target || ' ' || digest FROM rejected ORDER BY at DESC "
        "LIMIT " SHARE_REJECTED ") AND ?1 IS NOT NULL"};
    struct err ignored = ERR_INIT;
    for (size_t i = 0; i < ARRAY_LENGTH(sql); i++) {
        (void)!push_run(store, sql[i], before_ms, &ignored);
    }
    int64_t rows = share_number(store, "SELECT count(*) FROM shared", 0);
    return rows > 0 ? (size_t)rows : 0;
}
