/* The audit trail: entries that are chained by their hashes, so that an entry that was edited,
 * taken away or moved shows. Owns its table and nothing else; keeps nobody from rewriting all of
 * it. */
#include "agent/store/internal.h"
#include "base/buf.h"
#include "base/json.h"

#define AUDIT_TEXTS 4
#define AUDIT_ENTRY_MAX (1024 * 1024)

/* What is hashed. */
struct audit_text {
    const void *bytes;
    size_t len;
};
struct audit_row {
    int64_t seq, at_ms;
    struct audit_text texts[AUDIT_TEXTS]; /* actor, subject, event, detail */
};

static void audit_put_number(struct buf *out, uint64_t number) {
    for (int shift = 56; shift >= 0; shift -= 8) {
        buf_putc(out, (char)(unsigned char)(number >> shift & 0xff));
    }
}

static void audit_put_text(struct buf *out, struct audit_text text) {
    audit_put_number(out, text.len);
    buf_append(out, text.bytes, text.len);
}

/* Each text stands behind its length: no two rows have the same bytes. False: too large. */
static bool audit_hash(const struct audit_row *row, struct audit_text before,
                       unsigned char out[DIGEST_BYTES]) {
    CLEANUP(buf_release) struct buf bytes = BUF_INIT(AUDIT_ENTRY_MAX);
    audit_put_text(&bytes, before);
    audit_put_number(&bytes, (uint64_t)row->seq);
    audit_put_number(&bytes, (uint64_t)row->at_ms);
    for (size_t i = 0; i < AUDIT_TEXTS; i++) {
        audit_put_text(&bytes, row->texts[i]);
    }
    if (bytes.overflow) {
        return false;
    }
    digest_sha256(buf_text(&bytes), bytes.len, out);
    return true;
}

static struct audit_text audit_blob(sqlite3_stmt *row, int column) {
    const void *bytes = sqlite3_column_blob(row, column);
    return (struct audit_text){bytes, bytes ? (size_t)sqlite3_column_bytes(row, column) : 0};
}

/* ---- writing ---- */

/* The number and the hash of the entry before the next. */
static bool audit_last(struct store *store, int64_t *out_seq, unsigned char out[DIGEST_BYTES],
                       struct err *err) {
    sqlite3_stmt *last = store_statement(store, STORE_SQL_AUDIT_LAST);
    if (!last || sqlite3_step(last) != SQLITE_ROW) {
        (void)sqlite3_reset(last);
        return store_error(store, "read the audit trail", err);
    }
    struct audit_text hash = audit_blob(last, 1);
    *out_seq = sqlite3_column_int64(last, 0);
    /* One of another length was tampered with: the check says so. */
    memset(out, 0, DIGEST_BYTES);
    if (hash.bytes && hash.len == DIGEST_BYTES) {
        memcpy(out, hash.bytes, DIGEST_BYTES);
    }
    (void)sqlite3_reset(last);
    return true;
}

bool store_audit_add(struct store *store, const struct store_audit_entry *entry, struct err *err) {
    unsigned char before[DIGEST_BYTES];
    unsigned char hash[DIGEST_BYTES];
    const char *actor = entry->actor ? entry->actor : "landwaiter";
    const char *texts[AUDIT_TEXTS] = {actor, entry->subject, entry->event, entry->detail};
    struct audit_row row = {.at_ms = entry->at_ms};
    if (!audit_last(store, &row.seq, before, err)) {
        return false;
    }
    row.seq++;
    for (size_t i = 0; i < AUDIT_TEXTS; i++) {
        row.texts[i] = (struct audit_text){texts[i], strlen(texts[i])};
    }
    if (!audit_hash(&row, (struct audit_text){before, sizeof before}, hash)) {
        return err_set(err, ERR_BUG, "an entry of the audit trail is too large");
    }
    sqlite3_stmt *statement = store_statement(store, STORE_SQL_AUDIT_ADD);
    if (statement) {
        (void)sqlite3_bind_int64(statement, 1, row.seq);
        (void)sqlite3_bind_int64(statement, 2, row.at_ms);
        for (int i = 0; i < AUDIT_TEXTS; i++) {
            store_bind_text(statement, 3 + i, texts[i]);
        }
        (void)sqlite3_bind_blob(statement, 7, hash, DIGEST_BYTES, SQLITE_STATIC);
    }
    return store_run(store, statement, err);
}

/* ---- reading ---- */

json_t *store_audit(struct store *store, size_t limit) {
    static const char *const members[AUDIT_TEXTS] = {"actor", "subject", "event", "detail"};
    json_t *list = json_array();
    sqlite3_stmt *statement = store_statement(store, STORE_SQL_AUDIT_LIST);
    if (!list || !statement) {
        return list;
    }
    (void)sqlite3_bind_int64(statement, 1, (sqlite3_int64)limit);
    while (sqlite3_step(statement) == SQLITE_ROW) {
        json_t *entry = json_object();
        (void)json_object_set_new(entry, "seq", json_integer(sqlite3_column_int64(statement, 0)));
        (void)json_object_set_new(entry, "at",
                                  json_time_or_null(sqlite3_column_int64(statement, 1)));
        for (int i = 0; i < AUDIT_TEXTS; i++) {
            const char *text = (const char *)sqlite3_column_text(statement, 2 + i);
            (void)json_object_set_new(entry, members[i], json_text_or_null(text));
        }
        char hex[2 * DIGEST_BYTES + 1] = "";
        struct audit_text hash = audit_blob(statement, 6);
        if (hash.len == DIGEST_BYTES) {
            digest_hex(hash.bytes, hash.len, hex);
        }
        (void)json_object_set_new(entry, "hash", json_string(hex));
        (void)json_array_append_new(list, entry);
    }
    (void)sqlite3_reset(statement);
    return list;
}

/* ---- checking ---- */

struct audit_check {
    int64_t seq; /* of the entry before */
    unsigned char hash[DIGEST_BYTES];
    int64_t newest; /* the number of the last one that was ever written */
    int64_t broken; /* 0: not so far */
    size_t count;
};

static bool audit_ends(struct store *store, struct audit_check *out, struct err *err) {
    sqlite3_stmt *ends = store_statement(store, STORE_SQL_AUDIT_ENDS);
    if (!ends || sqlite3_step(ends) != SQLITE_ROW) {
        (void)sqlite3_reset(ends);
        return store_error(store, "read the audit trail", err);
    }
    struct audit_text hash = audit_blob(ends, 1);
    out->seq = sqlite3_column_int64(ends, 0);
    out->newest = sqlite3_column_int64(ends, 2);
    if (hash.bytes && hash.len == DIGEST_BYTES) {
        memcpy(out->hash, hash.bytes, DIGEST_BYTES);
    } else {
        out->broken = out->seq + 1;
    }
    (void)sqlite3_reset(ends);
    return true;
}

/* The next entry: is it the one that must follow, and what was written? */
static bool audit_follows(const struct audit_check *check, sqlite3_stmt *statement,
                          unsigned char out[DIGEST_BYTES]) {
    struct audit_row row = {.seq = sqlite3_column_int64(statement, 0),
                            .at_ms = sqlite3_column_int64(statement, 1)};
    struct audit_text hash = audit_blob(statement, 6);
    for (int i = 0; i < AUDIT_TEXTS; i++) {
        row.texts[i] = audit_blob(statement, 2 + i);
    }
    return row.seq == check->seq + 1 &&
           audit_hash(&row, (struct audit_text){check->hash, DIGEST_BYTES}, out) &&
           digest_equal(hash.bytes ? hash.bytes : "", hash.len, out, DIGEST_BYTES);
}

static bool audit_walk(struct store *store, struct audit_check *check, struct err *err) {
    sqlite3_stmt *all = store_statement(store, STORE_SQL_AUDIT_ALL);
    if (!all) {
        return store_error(store, "prepare", err);
    }
    int code = SQLITE_DONE;
    while (!check->broken && (code = sqlite3_step(all)) == SQLITE_ROW) {
        unsigned char hash[DIGEST_BYTES];
        if (!audit_follows(check, all, hash)) {
            check->broken = check->seq + 1;
            break;
        }
        memcpy(check->hash, hash, sizeof hash);
        check->seq++;
        check->count++;
    }
    bool good = code == SQLITE_DONE || code == SQLITE_ROW || store_error(store, "read", err);
    (void)sqlite3_reset(all);
    if (good && !check->broken && check->seq != check->newest) {
        check->broken = check->seq + 1;
    }
    return good;
}

bool store_audit_verify(struct store *store, int64_t *out_seq, size_t *out_count, struct err *err) {
    struct audit_check check = {0};
    *out_seq = 0;
    if (!store_snapshot(store, err)) {
        return false;
    }
    bool good = audit_ends(store, &check, err) && audit_walk(store, &check, err);
    store_snapshot_end(store);
    if (!good) {
        return false;
    }
    *out_count = check.count;
    *out_seq = check.broken;
    return !check.broken ||
           err_set(err, ERR_INVALID,
                   "the audit trail is broken at entry %lld: it, or one beside it, was edited, "
                   "moved or taken away",
                   (long long)check.broken);
}
