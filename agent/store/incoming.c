/* Pushes of other replicas. Owns no table. */
#include "agent/store/incoming.h"

#include "agent/model/id.h"
#include "agent/store/keys.h"
#include "base/json.h"

#define INCOMING_JSON_DEPTH 8

bool incoming_parse(const char *text, json_t **out, struct err *err) {
    return json_parse_deep(text, strlen(text), INCOMING_JSON_DEPTH, out, err) ||
           err_wrap(err, "a record of the cluster");
}

static bool incoming_hex(const json_t *row, const char *member, unsigned char out[DIGEST_BYTES]) {
    const char *text = json_text(row, member);
    return text && digest_hex_decode(text, strlen(text), out, DIGEST_BYTES);
}

struct incoming_push incoming_push(const json_t *row) {
    struct incoming_push push = {.row = row, .id = json_int(row, "id", 0)};
    push.keyed = incoming_hex(row, "key", push.key) && incoming_hex(row, "body", push.body);
    return push;
}

bool incoming_known(struct store *store, int64_t id) {
    struct query query = query_open(store, "SELECT 1 AS number FROM pushes WHERE id = :id", NULL);
    int64_t found = 0;
    query_bind_int(&query, ":id", id);
    return query_number(&query, &found);
}

/* Two replicas may make the same id at the same time. This is rare, as half of each id is random
 * (id_spread). */
bool incoming_collides(struct store *store, const struct incoming_push *push) {
    struct query query =
        query_open(store,
                   "SELECT 1 AS number FROM pushes WHERE id = :id AND NOT (image IS :image AND "
                   "sender IS :sender AND digest IS :digest AND received IS :received)",
                   NULL);
    const char *digest = json_text(push->row, "digest");
    int64_t found = 0;
    query_bind_int(&query, ":id", push->id);
    query_bind_text(&query, ":image", json_text(push->row, "image"));
    query_bind_text(&query, ":sender", json_text(push->row, "sender"));
    query_bind_text(&query, ":digest", digest ? digest : "");
    query_bind_int(&query, ":received", json_int(push->row, "received", 0));
    return query_number(&query, &found);
}

int64_t incoming_twin(struct store *store, const struct incoming_push *push) {
    if (!push->keyed) {
        return 0;
    }
    struct query query =
        query_open(store, "SELECT push AS number FROM keys WHERE key = :key AND push <> :id", NULL);
    int64_t twin = 0;
    query_bind_bytes(&query, ":key", push->key, DIGEST_BYTES);
    query_bind_int(&query, ":id", push->id);
    return query_number(&query, &twin) ? twin : 0;
}

bool incoming_insert(struct store *store, const struct incoming_push *push, int64_t twin,
                     struct err *err) {
    struct ref image = {0};
    bool keyed = push->keyed && !twin;
    const char *digest = json_text(push->row, "digest");
    struct store_push_row row = {.id = push->id,
                                 .lead = json_int(push->row, "lead", push->id),
                                 .received_ms = json_int(push->row, "received", 0),
                                 .sender = json_text(push->row, "sender"),
                                 .image = json_text(push->row, "image"),
                                 .digest = digest ? digest : "",
                                 .meta = json_text(push->row, "meta"),
                                 .key = keyed ? push->key : NULL,
                                 .body = keyed ? push->body : NULL};
    if (push->id <= 0 || !row.sender || !row.image || !ref_parse(row.image, &image, err)) {
        return err_set(err, ERR_INVALID, "a record holds a row that is no push");
    }
    id_after(push->id);
    bool inserted = store_push_insert(store, &row, err) && store_usage_save(store, err);
    store_usage_forget(store);
    return inserted && (!keyed || store_keys_index(store, push->key, push->id, err));
}

bool incoming_superseded(struct store *store, int64_t id, int64_t superseded_by, struct err *err) {
    if (!superseded_by) {
        return true;
    }
    struct query query = query_open(store,
                                    "UPDATE pushes SET superseded_by = :newer "
                                    "WHERE id = :id AND superseded_by <> :newer",
                                    err);
    query_bind_int(&query, ":id", id);
    query_bind_int(&query, ":newer", superseded_by);
    return store_run(&query);
}

bool incoming_watermarks(struct store *store, struct err *err) {
    struct query keys = query_open(store,
                                   "UPDATE keys_through SET through = "
                                   "max(through, (SELECT ifnull(max(id), 0) FROM pushes))",
                                   err);
    if (!store_run(&keys)) {
        return false;
    }
    struct query platforms = query_open(store,
                                        "UPDATE platforms SET through = "
                                        "max(through, (SELECT ifnull(max(id), 0) FROM pushes))",
                                        err);
    return store_run(&platforms);
}
