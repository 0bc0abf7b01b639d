/* Pushes: owns their table, and the watermark of each platform. */
#include "agent/model/id.h"
#include "agent/store/internal.h"
#include "agent/store/keys.h"

#define PUSH_COLUMNS "id, lead, sender, image, digest, received, superseded_by, meta"

/* ---- accepting ---- */

bool store_push_insert(struct store *store, const struct store_push_row *row, struct err *err) {
    struct query query =
        query_open(store,
                   "INSERT INTO pushes(id, lead, sender, image, digest, meta, received, key, body) "
                   "VALUES(:id, :lead, :sender, :image, :digest, :meta, :received, :key, :body)",
                   err);
    query_bind_int(&query, ":id", row->id);
    query_bind_int(&query, ":lead", row->lead);
    query_bind_static(&query, ":sender", row->sender);
    query_bind_static(&query, ":image", row->image);
    query_bind_static(&query, ":digest", row->digest);
    query_bind_static(&query, ":meta", row->meta);
    query_bind_int(&query, ":received", row->received_ms);
    if (row->key) {
        query_bind_bytes(&query, ":key", row->key, DIGEST_BYTES);
        query_bind_bytes(&query, ":body", row->body, DIGEST_BYTES);
    }
    return store_run(&query) && store_usage_add(store, row, err);
}

static bool accept_image(struct store *store, const struct webhook_delivery *delivery,
                         struct store_push_row *row, const struct source_image *image,
                         struct err *err) {
    struct ref ref = image->ref;
    char text[REF_TEXT_SIZE];
    bool keyed = delivery->keyed && row->id == row->lead;
    ref.digest[0] = '\0';
    row->sender = delivery->sender;
    row->image = ref_text(&ref, text);
    row->digest = image->ref.digest;
    row->meta = image->meta;
    row->key = keyed ? delivery->key : NULL;
    row->body = keyed ? delivery->body_hash : NULL;
    return store_push_insert(store, row, err) &&
           (!keyed || store_keys_add(store, delivery, row->id, err));
}

static bool accept_one(struct store *store, struct webhook_delivery *delivery, int64_t now_ms,
                       struct err *err) {
    if (store_keys_seen(store, delivery)) {
        return true;
    }
    if (!store_usage_fits(store, delivery)) {
        delivery->outcome = WEBHOOK_OVER_QUOTA;
        return true;
    }
    int64_t lead = 0;
    for (size_t i = 0; i < delivery->count; i++) {
        struct store_push_row row = {.id = id_next(), .received_ms = now_ms};
        lead = lead ? lead : row.id;
        row.lead = lead;
        if (!accept_image(store, delivery, &row, &delivery->images[i], err)) {
            return false;
        }
    }
    (void)id_text("psh", lead, delivery->id);
    delivery->outcome = WEBHOOK_ACCEPTED;
    return true;
}

void store_accept(struct store *store, struct webhook_delivery *const *batch, size_t count,
                  int64_t now_ms) {
    bool stored = store_keys_load(store, NULL) && store_begin(store, NULL);
    if (stored) {
        for (size_t i = 0; stored && i < count; i++) {
            stored = accept_one(store, batch[i], now_ms, NULL);
        }
        stored = store_end(
            store, stored && store_keys_merge(store, count, NULL) && store_usage_save(store, NULL),
            NULL);
    }
    store_usage_forget(store);
    store_keys_end(store, stored);
    for (size_t i = 0; !stored && i < count; i++) {
        batch[i]->outcome = WEBHOOK_UNAVAILABLE;
    }
}

/* ---- finding ---- */

static bool push_read(struct query *row, struct push *out) {
    char image[REF_TEXT_SIZE];
    struct push push = {.id = query_int(row, "id"),
                        .lead = query_int(row, "lead"),
                        .received_ms = query_int(row, "received"),
                        .superseded_by = query_int(row, "superseded_by")};
    query_text(row, "sender", push.sender, sizeof push.sender);
    query_text(row, "image", image, sizeof image);
    query_text(row, "digest", push.digest, sizeof push.digest);
    if (!ref_parse(image, &push.image, row->err)) {
        query_fail(row);
        return err_wrap(row->err, "state database: a push's image");
    }
    const char *meta = query_borrow_text(row, "meta");
    push.meta = meta ? strdup(meta) : NULL;
    if (meta && !push.meta) {
        query_fail(row);
        return err_set(row->err, ERR_BUG, "out of memory");
    }
    *out = push;
    return true;
}

bool store_push_find(struct store *store, int64_t id, struct push *out, struct err *err) {
    struct query query =
        query_open(store, "SELECT " PUSH_COLUMNS " FROM pushes WHERE id = :id", err);
    query_bind_int(&query, ":id", id);
    bool found = query_next(&query) && push_read(&query, out);
    return query_close(&query) && (found || err_set(err, ERR_GONE, "no such push"));
}

/* False: out of memory. Grows in powers of two: a list is full when its length is one. */
static bool pushes_room(struct pushes *list) {
    if ((list->count & (list->count - 1)) != 0) {
        return true;
    }
    struct push *more = reallocarray(list->items, list->count ? list->count * 2 : 1, sizeof *more);
    list->items = more ? more : list->items;
    return more != NULL;
}

/* Collects the rows of a bound query, and closes it. */
static bool pushes_collect(struct query *query, struct pushes *out) {
    CLEANUP(pushes_release) struct pushes list = {0};
    while (query_next(query)) {
        if (!pushes_room(&list)) {
            query_fail(query);
            (void)err_set(query->err, ERR_BUG, "out of memory");
        } else if (push_read(query, &list.items[list.count])) {
            list.count++;
        }
    }
    if (!query_close(query)) {
        return false;
    }
    *out = list;
    list = (struct pushes){0};
    return true;
}

bool store_push_list(struct store *store, size_t limit, struct pushes *out, struct err *err) {
    struct query query =
        query_open(store, "SELECT " PUSH_COLUMNS " FROM pushes ORDER BY id DESC LIMIT :limit", err);
    query_bind_int(&query, ":limit", (int64_t)limit);
    return pushes_collect(&query, out);
}

bool store_push_followers(struct store *store, int64_t lead, struct pushes *out, struct err *err) {
    struct query query = query_open(store,
                                    "SELECT " PUSH_COLUMNS " FROM pushes "
                                    "WHERE lead = :lead AND lead <> id ORDER BY id LIMIT 1000",
                                    err);
    query_bind_int(&query, ":lead", lead);
    return pushes_collect(&query, out);
}

bool store_was_pushed(struct store *store, const struct update *update, const char *digest) {
    struct query query =
        query_open(store,
                   "SELECT 1 AS number FROM (SELECT id, image, digest, received FROM pushes "
                   "ORDER BY id DESC LIMIT 10000) WHERE id <> :own AND image = :image AND "
                   "(digest = :digest OR (digest = '' AND received > :earliest)) LIMIT 1",
                   NULL);
    char text[REF_TEXT_SIZE];
    int64_t found = 0;
    query_bind_int(&query, ":own", update->push);
    query_bind_text(&query, ":image", ref_text(&update->image, text));
    query_bind_text(&query, ":digest", digest);
    query_bind_int(&query, ":earliest", update->received_ms - STORE_OUT_OF_ORDER_MS);
    return query_number(&query, &found);
}

/* ---- watermarks of the platforms ---- */

bool store_unmatched(struct store *store, const struct store_window *window, struct pushes *out,
                     struct err *err) {
    struct query query =
        query_open(store,
                   "SELECT " PUSH_COLUMNS " FROM pushes WHERE id > "
                   "(SELECT through FROM platforms WHERE name = :platform) UNION ALL "
                   "SELECT " PUSH_COLUMNS " FROM pushes WHERE id IN "
                   "(SELECT push FROM arrivals WHERE platform = :platform) AND id <= "
                   "(SELECT through FROM platforms WHERE name = :platform) ORDER BY id LIMIT "
                   ":limit",
                   err);
    query_bind_text(&query, ":platform", window->platform);
    query_bind_int(&query, ":limit", (int64_t)window->limit);
    return pushes_collect(&query, out);
}

bool store_has_unmatched(struct store *store, const char *platform) {
    struct query query =
        query_open(store,
                   "SELECT (SELECT max(id) FROM pushes) > "
                   "(SELECT through FROM platforms WHERE name = :platform) OR "
                   "EXISTS(SELECT 1 FROM arrivals WHERE platform = :platform) AS number",
                   NULL);
    int64_t yes = 0;
    query_bind_text(&query, ":platform", platform);
    return query_number(&query, &yes) && yes == 1;
}

bool store_is_matched(struct store *store, const char *platform, int64_t push) {
    struct query query =
        query_open(store,
                   "SELECT through >= :push AND NOT EXISTS(SELECT 1 FROM arrivals WHERE "
                   "platform = :platform AND push = :push) AS number "
                   "FROM platforms WHERE name = :platform",
                   NULL);
    int64_t yes = 0;
    query_bind_text(&query, ":platform", platform);
    query_bind_int(&query, ":push", push);
    return query_number(&query, &yes) && yes == 1;
}

bool store_platform_begin(struct store *store, const char *platform, struct err *err) {
    struct query query = query_open(store,
                                    "INSERT OR IGNORE INTO platforms(name, through) "
                                    "VALUES(:name, (SELECT ifnull(max(id), 0) FROM pushes))",
                                    err);
    query_bind_text(&query, ":name", platform);
    return store_run(&query);
}

bool store_platform_end(struct store *store, const char *platform, struct err *err) {
    struct query query = query_open(store, "DELETE FROM platforms WHERE name = :name", err);
    query_bind_text(&query, ":name", platform);
    return store_run(&query);
}
