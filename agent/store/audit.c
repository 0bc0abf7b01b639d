/* The audit trail: each entry holds a hash over itself and the entry before, so that an edited,
 * deleted or moved entry is found. Owns its tables. Does not prevent a rewrite of the whole
 * chain. */
#include "agent/store/internal.h"
#include "base/buf.h"
#include "base/json.h"

#define AUDIT_TEXTS 4
#define AUDIT_ENTRY_MAX (1024 * 1024)

#define AUDIT_COLUMNS "seq, at, actor, subject, event, detail, hash"
static const struct {
    const char *name, *parameter;
} audit_columns[AUDIT_TEXTS] = {
    {"actor", ":actor"}, {"subject", ":subject"}, {"event", ":event"}, {"detail", ":detail"}};

struct audit_text {
    const void *bytes;
    size_t len;
};
struct audit_row {
    int64_t seq, at_ms;
    struct audit_text texts[AUDIT_TEXTS]; /* in the order of audit_columns */
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

/* Puts each text's length before it, so that no two rows hash the same bytes. False: too large. */
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

/* ---- writing ---- */

/* The number and the hash of the newest entry. */
static bool audit_last(struct store *store, int64_t *out_seq, unsigned char out[DIGEST_BYTES],
                       struct err *err) {
    struct query query =
        query_open(store,
                   "SELECT ifnull((SELECT seq FROM sqlite_sequence WHERE name = 'audit'), 0) AS "
                   "seq, ifnull((SELECT hash FROM audit ORDER BY seq DESC LIMIT 1), "
                   "(SELECT hash FROM audit_base)) AS hash",
                   err);
    if (query_next(&query)) {
        *out_seq = query_int(&query, "seq");
        if (!query_sha256(&query, "hash", out)) {
            /* A changed entry: the check of the chain reports it. */
            memset(out, 0, DIGEST_BYTES);
        }
    }
    return query_close(&query);
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
    struct query query = query_open(store,
                                    "INSERT INTO audit(seq, at, actor, subject, event, detail, "
                                    "hash) VALUES(:seq, :at, :actor, :subject, :event, :detail, "
                                    ":hash)",
                                    err);
    query_bind_int(&query, ":seq", row.seq);
    query_bind_int(&query, ":at", row.at_ms);
    for (size_t i = 0; i < AUDIT_TEXTS; i++) {
        query_bind_text(&query, audit_columns[i].parameter, texts[i]);
    }
    query_bind_bytes(&query, ":hash", hash, sizeof hash);
    return store_run(&query);
}

/* ---- reading ---- */

static json_t *audit_json(struct query *row) {
    json_t *entry = json_object();
    char hex[2 * DIGEST_BYTES + 1] = "";
    unsigned char hash[DIGEST_BYTES];
    (void)json_object_set_new(entry, "seq", json_integer(query_int(row, "seq")));
    (void)json_object_set_new(entry, "at", json_time_or_null(query_int(row, "at")));
    for (size_t i = 0; i < AUDIT_TEXTS; i++) {
        const char *name = audit_columns[i].name;
        (void)json_object_set_new(entry, name, json_text_or_null(query_borrow_text(row, name)));
    }
    if (query_sha256(row, "hash", hash)) {
        digest_hex(hash, sizeof hash, hex);
    }
    (void)json_object_set_new(entry, "hash", json_string(hex));
    return entry;
}

json_t *store_audit(struct store *store, size_t limit) {
    json_t *list = json_array();
    if (!list) {
        return NULL;
    }
    struct query query = query_open(
        store, "SELECT " AUDIT_COLUMNS " FROM audit ORDER BY seq DESC LIMIT :limit", NULL);
    query_bind_int(&query, ":limit", (int64_t)limit);
    while (query_next(&query)) {
        (void)json_array_append_new(list, audit_json(&query));
    }
    (void)!query_close(&query);
    return list;
}

/* ---- checking ---- */

struct audit_check {
    int64_t seq; /* of the entry before */
    unsigned char hash[DIGEST_BYTES];
    int64_t newest; /* the number of the last entry ever written */
    int64_t broken; /* the first wrong entry's number; 0: none so far */
    size_t count;
};

static bool audit_ends(struct store *store, struct audit_check *out, struct err *err) {
    struct query query =
        query_open(store,
                   "SELECT (SELECT seq FROM audit_base) AS base, (SELECT hash FROM audit_base) AS "
                   "hash, ifnull((SELECT seq FROM sqlite_sequence WHERE name = 'audit'), 0) AS "
                   "newest",
                   err);
    if (query_next(&query)) {
        out->seq = query_int(&query, "base");
        out->newest = query_int(&query, "newest");
        out->broken = query_sha256(&query, "hash", out->hash) ? 0 : out->seq + 1;
    }
    return query_close(&query);
}

/* Is the row the entry that must follow, with the hash that was written? */
static bool audit_follows(const struct audit_check *check, struct query *query,
                          unsigned char out[DIGEST_BYTES]) {
    struct audit_row row = {.seq = query_int(query, "seq"), .at_ms = query_int(query, "at")};
    unsigned char written[DIGEST_BYTES];
    for (size_t i = 0; i < AUDIT_TEXTS; i++) {
        struct audit_text *text = &row.texts[i];
        text->bytes = query_borrow_bytes(query, audit_columns[i].name, &text->len);
    }
    return row.seq == check->seq + 1 && query_sha256(query, "hash", written) &&
           audit_hash(&row, (struct audit_text){check->hash, DIGEST_BYTES}, out) &&
           digest_equal(written, sizeof written, out, DIGEST_BYTES);
}

static bool audit_walk(struct store *store, struct audit_check *check, struct err *err) {
    struct query query = query_open(store, "SELECT " AUDIT_COLUMNS " FROM audit ORDER BY seq", err);
    while (!check->broken && query_next(&query)) {
        unsigned char hash[DIGEST_BYTES];
        if (!audit_follows(check, &query, hash)) {
            check->broken = check->seq + 1;
            break;
        }
        memcpy(check->hash, hash, sizeof hash);
        check->seq++;
        check->count++;
    }
    bool good = query_close(&query);
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
    return !check.broken || err_set(err, ERR_INVALID,
                                    "the audit trail is broken at entry %lld: it, or one beside "
                                    "it, was edited, moved or removed",
                                    (long long)check.broken);
}
