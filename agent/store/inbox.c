/* The inbox: deliveries that any replica accepted, as objects in the cluster. Owns the tables inbox
 * (object -> its pushes) and arrivals (pushes that came by the inbox and are yet to be matched,
 * whatever their ids). */
#include "agent/model/id.h"
#include "agent/store/incoming.h"
#include "agent/store/keys.h"
#include "agent/store/kinds.h"
#include "agent/store/share.h"
#include "base/json.h"

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
    bool fits = store_usage_fits(store, delivery);
    store_usage_forget(store);
    if (!fits) {
        delivery->outcome = WEBHOOK_OVER_QUOTA;
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

/* ---- taking objects in ---- */

static bool inbox_note(struct store *store, const char *object, int64_t push, struct err *err) {
    struct query query = query_open(
        store, "INSERT OR REPLACE INTO inbox(object, push, seen) VALUES(:object, :push, 1)", err);
    query_bind_text(&query, ":object", object);
    query_bind_int(&query, ":push", push);
    return store_run(&query);
}

/* The twin stays, and is matched; this push only goes into the ledger. */
static bool inbox_push_twin(struct store *store, int64_t push, int64_t twin, struct err *err) {
    if (!incoming_superseded(store, push, twin, err)) {
        return false;
    }
    struct query query = query_open(
        store,
        "INSERT INTO shared(kind, key, slot, dirty) SELECT " SHARE_PUSH ", :push, -1, 1 "
        "WHERE NOT EXISTS(SELECT 1 FROM shared WHERE kind = " SHARE_PUSH " AND key = :push)",
        err);
    query_bind_int(&query, ":push", push);
    return store_run(&query);
}

/* Each platform is to look at the push, unless the ledger has it. */
static bool inbox_push_arrives(struct store *store, int64_t push, struct err *err) {
    struct query query =
        query_open(store,
                   "INSERT OR IGNORE INTO arrivals(platform, push) SELECT name, :push FROM "
                   "platforms WHERE NOT EXISTS(SELECT 1 FROM shared WHERE kind = " SHARE_PUSH
                   " AND key = :push AND stored = 1)",
                   err);
    query_bind_int(&query, ":push", push);
    return store_run(&query);
}

static bool inbox_push(struct store *store, const char *object, struct incoming_push *push,
                       struct err *err) {
    if (incoming_collides(store, push)) {
        push->id |= ID_SPARE;
    }
    int64_t twin = incoming_twin(store, push);
    if ((!incoming_known(store, push->id) && !incoming_insert(store, push, twin, err)) ||
        (object && !inbox_note(store, object, push->id, err))) {
        return false;
    }
    return twin ? inbox_push_twin(store, push->id, twin, err)
                : inbox_push_arrives(store, push->id, err);
}

bool store_inbox_take(struct store *store, const char *object, const char *text, struct err *err) {
    CLEANUP(json_release) json_t *document = NULL;
    size_t i = 0;
    json_t *row = NULL;
    if (!incoming_parse(text, &document, err) || !store_begin(store, err)) {
        return false;
    }
    bool good = true;
    json_array_foreach(json_array_member(document, "pushes"), i, row) {
        struct incoming_push push = incoming_push(row);
        good = good && inbox_push(store, object, &push, err);
    }
    return store_end(store, good && incoming_watermarks(store, err), err);
}

bool store_inbox_gone(struct store *store, const char *object, struct err *err) {
    struct query query = query_open(store, "DELETE FROM inbox WHERE object = :object", err);
    query_bind_text(&query, ":object", object);
    return store_run(&query);
}

bool store_inbox_sweep(struct store *store, bool ends, struct err *err) {
    static const char sweep_begins[] = "UPDATE inbox SET seen = 0 WHERE object <> '';";
    /* The object "" holds the pushes that were yet to be matched when sharing was switched on. */
    static const char sweep_ends[] =
        "DELETE FROM inbox WHERE seen = 0;"
        "DELETE FROM inbox WHERE object = '' AND push NOT IN (SELECT push FROM arrivals);"
        "DELETE FROM arrivals WHERE push NOT IN (SELECT push FROM inbox);";
    return store_begin(store, err) &&
           store_end(store, store_exec(store, ends ? sweep_ends : sweep_begins, err), err);
}

size_t store_inbox_count(struct store *store) {
    struct query query = query_open(
        store, "SELECT count(DISTINCT object) AS number FROM inbox WHERE object <> ''", NULL);
    int64_t count = 0;
    return query_number(&query, &count) ? (size_t)count : 0;
}

bool store_inbox_consumed(struct store *store, char out[STORE_INBOX_NAME_SIZE]) {
    struct query query =
        query_open(store,
                   "SELECT object FROM inbox i WHERE object <> '' AND NOT EXISTS(SELECT 1 FROM "
                   "inbox j LEFT JOIN shared s ON s.kind = " SHARE_PUSH " AND s.key = j.push "
                   "WHERE j.object = i.object AND (s.slot IS NULL OR s.stored <> 1 OR s.dirty > "
                   "0)) LIMIT 1",
                   NULL);
    bool found = query_next(&query);
    if (found) {
        query_text(&query, "object", out, STORE_INBOX_NAME_SIZE);
    }
    return query_close(&query) && found;
}
