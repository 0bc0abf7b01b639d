/* Pushes: accepting them durably (group commit) and finding them again. */
#include <sqlite3.h>

#include "agent/model/id.h"
#include "agent/store/internal.h"
#include "agent/store/keys.h"

static bool store_push_add(struct store *store, const struct push *push,
                           const struct webhook_delivery *delivery, struct err *err) {
    sqlite3_stmt *statement = store_statement(store, STORE_SQL_PUSH_ADD);
    if (!statement) {
        return store_error(store, "prepare", err);
    }
    char image[REF_TEXT_SIZE];
    (void)sqlite3_bind_int64(statement, 1, push->id);
    (void)sqlite3_bind_int64(statement, 2, push->lead);
    store_bind_text(statement, 3, delivery->sender);
    store_bind_text(statement, 4, ref_text(&push->image, image));
    store_bind_text(statement, 5, push->digest);
    store_bind_text(statement, 6, push->meta);
    (void)sqlite3_bind_int64(statement, 7, push->received_ms);
    if (delivery->keyed && push->id == push->lead) {
        (void)sqlite3_bind_blob(statement, 8, delivery->key, DIGEST_BYTES, SQLITE_STATIC);
        (void)sqlite3_bind_blob(statement, 9, delivery->body_hash, DIGEST_BYTES, SQLITE_STATIC);
    }
    return store_run(store, statement, err) && (!delivery->keyed || push->id != push->lead ||
                                                store_keys_add(store, delivery, push->id, err));
}

static bool store_accept_one(struct store *store, struct webhook_delivery *delivery, int64_t now_ms,
                             struct err *err) {
    if (store_keys_seen(store, delivery)) {
        return true;
    }
    int64_t lead = 0;
    for (size_t i = 0; i < delivery->count; i++) {
        struct push push = {.id = id_next(), .received_ms = now_ms};
        lead = lead ? lead : push.id;
        push.lead = lead;
        push.image = delivery->images[i].ref;
        memcpy(push.digest, push.image.digest, sizeof push.digest);
        push.image.digest[0] = '\0';
        push.meta = delivery->images[i].meta;
        if (!store_push_add(store, &push, delivery, err)) {
            return false;
        }
    }
    (void)id_text("psh", lead, delivery->id);
    delivery->outcome = WEBHOOK_ACCEPTED;
    return true;
}

void store_accept(struct store *store, struct webhook_delivery *const *batch, size_t count,
                  int64_t now_ms) {
    struct err err = ERR_INIT;
    bool stored = store_keys_load(store, &err) && store_begin(store, &err);
    bool began = stored;
    for (size_t i = 0; stored && i < count; i++) {
        stored = store_accept_one(store, batch[i], now_ms, &err);
    }
    stored = stored && store_keys_merge(store, count, &err);
    if (stored) {
        stored = store_commit(store, &err);
    } else if (began) {
        store_rollback(store);
    }
    store_keys_end(store, stored);
    for (size_t i = 0; !stored && i < count; i++) {
        batch[i]->outcome = WEBHOOK_UNAVAILABLE;
    }
}

static bool store_push_read(sqlite3_stmt *statement, struct push *out, struct err *err) {
    struct push push = {.id = sqlite3_column_int64(statement, 0),
                        .lead = sqlite3_column_int64(statement, 1),
                        .received_ms = sqlite3_column_int64(statement, 5),
                        .superseded_by = sqlite3_column_int64(statement, 6)};
    char image[REF_TEXT_SIZE];
    store_column_text(statement, 2, push.sender, sizeof push.sender);
    store_column_text(statement, 3, image, sizeof image);
    store_column_text(statement, 4, push.digest, sizeof push.digest);
    if (!ref_parse(image, &push.image, err)) {
        return err_wrap(err, "state database: a push's image");
    }
    const unsigned char *meta = sqlite3_column_text(statement, 7);
    if (meta) {
        push.meta = strdup((const char *)meta);
        if (!push.meta) {
            return err_set(err, ERR_BUG, "out of memory");
        }
    }
    *out = push;
    return true;
}

bool store_push_find(struct store *store, int64_t id, struct push *out, struct err *err) {
    sqlite3_stmt *statement = store_statement(store, STORE_SQL_PUSH_FIND);
    if (!statement) {
        return store_error(store, "prepare", err);
    }
    (void)sqlite3_bind_int64(statement, 1, id);
    int code = sqlite3_step(statement);
    bool found = code == SQLITE_ROW && store_push_read(statement, out, err);
    if (code == SQLITE_DONE) {
        (void)err_set(err, ERR_GONE, "no such push");
    } else if (code != SQLITE_ROW) {
        (void)store_error(store, "read", err);
    }
    (void)sqlite3_reset(statement);
    return found;
}

/* Runs a statement that was bound and collects its pushes. */
static bool store_push_collect(struct store *store, sqlite3_stmt *statement, struct pushes *out,
                               struct err *err) {
    CLEANUP(pushes_release) struct pushes list = {0};
    int code = SQLITE_DONE;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        /* Grows in powers of two: a list is full when its length is one. */
        if ((list.count & (list.count - 1)) == 0) {
            struct push *more =
                reallocarray(list.items, list.count ? list.count * 2 : 1, sizeof *more);
            if (!more) {
                break;
            }
            list.items = more;
        }
        if (!store_push_read(statement, &list.items[list.count], err)) {
            (void)sqlite3_reset(statement);
            return false;
        }
        list.count++;
    }
    bool good = code == SQLITE_DONE || store_error(store, "read", err);
    (void)sqlite3_reset(statement);
    if (good) {
        *out = list;
        list = (struct pushes){0};
    }
    return good;
}

bool store_push_list(struct store *store, size_t limit, struct pushes *out, struct err *err) {
    sqlite3_stmt *statement = store_statement(store, STORE_SQL_PUSH_LIST);
    if (!statement) {
        return store_error(store, "prepare", err);
    }
    (void)sqlite3_bind_int64(statement, 1, (sqlite3_int64)limit);
    return store_push_collect(store, statement, out, err);
}

bool store_push_followers(struct store *store, int64_t lead, struct pushes *out, struct err *err) {
    sqlite3_stmt *statement = store_statement(store, STORE_SQL_PUSH_FOLLOWERS);
    if (!statement) {
        return store_error(store, "prepare", err);
    }
    (void)sqlite3_bind_int64(statement, 1, lead);
    return store_push_collect(store, statement, out, err);
}

bool store_unmatched(struct store *store, const struct store_window *window, struct pushes *out,
                     struct err *err) {
    sqlite3_stmt *statement = store_statement(store, STORE_SQL_UNMATCHED);
    if (!statement) {
        return store_error(store, "prepare", err);
    }
    store_bind_text(statement, 1, window->platform);
    (void)sqlite3_bind_int64(statement, 2, (sqlite3_int64)window->limit);
    return store_push_collect(store, statement, out, err);
}

static bool store_question(struct store *store, enum store_statement which, const char *platform,
                           int64_t push) {
    sqlite3_stmt *statement = store_statement(store, which);
    if (!statement) {
        return false;
    }
    store_bind_text(statement, 1, platform);
    if (push) {
        (void)sqlite3_bind_int64(statement, 2, push);
    }
    bool yes = sqlite3_step(statement) == SQLITE_ROW && sqlite3_column_int(statement, 0) == 1;
    (void)sqlite3_reset(statement);
    return yes;
}

bool store_has_unmatched(struct store *store, const char *platform) {
    return store_question(store, STORE_SQL_HAS_UNMATCHED, platform, 0);
}

bool store_is_matched(struct store *store, const char *platform, int64_t push) {
    return store_question(store, STORE_SQL_THROUGH, platform, push);
}

bool store_was_pushed(struct store *store, const struct update *update, const char *digest) {
    sqlite3_stmt *statement = store_statement(store, STORE_SQL_WAS_PUSHED);
    if (!statement) {
        return false;
    }
    char text[REF_TEXT_SIZE];
    (void)sqlite3_bind_int64(statement, 1, update->push);
    store_bind_text(statement, 2, ref_text(&update->image, text));
    store_bind_text(statement, 3, digest);
    (void)sqlite3_bind_int64(statement, 4, update->received_ms - STORE_OUT_OF_ORDER_MS);
    bool pushed = sqlite3_step(statement) == SQLITE_ROW;
    (void)sqlite3_reset(statement);
    return pushed;
}

bool store_platform_begin(struct store *store, const char *platform, struct err *err) {
    sqlite3_stmt *statement = store_statement(store, STORE_SQL_PLATFORM_BEGIN);
    if (statement) {
        store_bind_text(statement, 1, platform);
    }
    return store_run(store, statement, err);
}

bool store_platform_end(struct store *store, const char *platform, struct err *err) {
    sqlite3_stmt *statement = store_statement(store, STORE_SQL_PLATFORM_END);
    if (statement) {
        store_bind_text(statement, 1, platform);
    }
    return store_run(store, statement, err);
}
