/* Replay keys: owns what is not in the index yet. A crash loses nothing: what was in memory stands
 * in the rows of the pushes behind `keys_through`. */
#include "agent/store/keys.h"

#include "agent/model/id.h"

#define KEYS_SLICE 64                         /* keys of the run that a commit indexes at least */
#define KEYS_CACHE "PRAGMA cache_size=-16384" /* KiB at most */
#define KEYS_WORTH 1024                       /* fewer may stay in memory while nothing comes */

struct key_entry {
    unsigned char key[DIGEST_BYTES], body[DIGEST_BYTES];
    int64_t push;
};

struct store_keys {
    struct key_entry *recent; /* in the order of their pushes */
    size_t count, capacity;   /* of recent */
    size_t kept;              /* of them so many were there before this transaction */
    uint32_t *slots;          /* recent by key: index + 1; a power of two of them, half empty */
    size_t slot_count;
    struct key_entry *run;             /* by key */
    size_t run_count, merged, merging; /* merging: with the transaction that is open */
};

void store_keys_free(struct store_keys *keys) {
    if (keys) {
        free(keys->recent);
        free(keys->slots);
        free(keys->run);
    }
    free(keys);
}

/* ---- recent ones, by key ---- */

/* The keys are hashes: any part of them is as good as a hash of them. */
static size_t slot_of(const struct store_keys *keys, const unsigned char *key) {
    uint32_t start;
    memcpy(&start, key, sizeof start);
    size_t at = start & (keys->slot_count - 1);
    while (keys->slots[at] &&
           memcmp(keys->recent[keys->slots[at] - 1].key, key, DIGEST_BYTES) != 0) {
        at = (at + 1) & (keys->slot_count - 1);
    }
    return at;
}

static void index_recent(struct store_keys *keys) {
    memset(keys->slots, 0, keys->slot_count * sizeof *keys->slots);
    for (size_t i = 0; i < keys->count; i++) {
        keys->slots[slot_of(keys, keys->recent[i].key)] = (uint32_t)i + 1;
    }
}

static bool grow(struct store_keys *keys) {
    size_t capacity = keys->capacity ? keys->capacity * 2 : 64;
    struct key_entry *recent = reallocarray(keys->recent, capacity, sizeof *recent);
    if (recent) {
        keys->recent = recent;
    }
    uint32_t *slots = recent ? reallocarray(keys->slots, capacity * 2, sizeof *slots) : NULL;
    if (!slots) {
        return false;
    }
    keys->slots = slots;
    keys->slot_count = capacity * 2;
    keys->capacity = capacity;
    index_recent(keys);
    return true;
}

static bool add_recent(struct store_keys *keys, const struct key_entry *entry) {
    if (keys->count == keys->capacity && !grow(keys)) {
        return false;
    }
    keys->recent[keys->count++] = *entry;
    keys->slots[slot_of(keys, entry->key)] = (uint32_t)keys->count;
    return true;
}

/* ---- the run ---- */

static int compare_key(const void *key, const void *entry) {
    return memcmp(key, ((const struct key_entry *)entry)->key, DIGEST_BYTES);
}

static int compare_entries(const void *a, const void *b) {
    return compare_key(((const struct key_entry *)a)->key, b);
}

/* What is recent becomes the run, once the one before is indexed. */
static void begin_run(struct store_keys *keys) {
    free(keys->run);
    keys->run = TAKE(keys->recent);
    keys->run_count = keys->count;
    keys->merged = keys->merging = 0;
    keys->count = keys->capacity = keys->kept = 0;
    free(TAKE(keys->slots));
    keys->slot_count = 0;
    if (keys->run_count > 0) {
        qsort(keys->run, keys->run_count, sizeof *keys->run, compare_entries);
    }
}

static int64_t newest_of_run(const struct store_keys *keys) {
    int64_t newest = 0;
    for (size_t i = 0; i < keys->run_count; i++) {
        newest = keys->run[i].push > newest ? keys->run[i].push : newest;
    }
    return newest;
}

static bool merge_one(struct store *store, const struct key_entry *entry, struct err *err) {
    sqlite3_stmt *statement = store_statement(store, STORE_SQL_KEY_ADD);
    if (statement) {
        (void)sqlite3_bind_blob(statement, 1, entry->key, DIGEST_BYTES, SQLITE_STATIC);
        (void)sqlite3_bind_int64(statement, 2, entry->push);
    }
    return store_run(store, statement, err);
}

bool store_keys_merge(struct store *store, size_t count, struct err *err) {
    struct store_keys *keys = store->keys;
    size_t slice = count > KEYS_SLICE ? count : KEYS_SLICE;
    keys->merging = keys->merged;
    while (keys->merging < keys->run_count && slice-- > 0) {
        if (!merge_one(store, &keys->run[keys->merging], err)) {
            return false;
        }
        keys->merging++;
    }
    if (keys->run_count == 0 || keys->merging < keys->run_count ||
        keys->merged == keys->run_count) {
        return true;
    }
    sqlite3_stmt *through = store_statement(store, STORE_SQL_KEYS_THROUGH);
    if (through) {
        (void)sqlite3_bind_int64(through, 1, newest_of_run(keys));
    }
    return store_run(store, through, err);
}

void store_keys_end(struct store *store, bool committed) {
    struct store_keys *keys = store->keys;
    if (!keys) {
        return;
    }
    if (!committed) {
        bool changed = keys->count != keys->kept;
        keys->count = keys->kept;
        keys->merging = keys->merged;
        if (changed) {
            index_recent(keys);
        }
        return;
    }
    keys->kept = keys->count;
    keys->merged = keys->merging;
    if (keys->count >= STORE_KEYS_RUN && keys->merged == keys->run_count) {
        begin_run(keys);
    }
}

/* ---- loading, looking, adding ---- */

static bool read_pending(struct store *store, struct store_keys *keys, struct err *err) {
    sqlite3_stmt *statement = store_statement(store, STORE_SQL_KEYS_PENDING);
    int code = statement ? sqlite3_step(statement) : SQLITE_ERROR;
    bool room = true;
    for (; room && code == SQLITE_ROW; code = sqlite3_step(statement)) {
        struct key_entry entry = {.push = sqlite3_column_int64(statement, 0)};
        if (sqlite3_column_bytes(statement, 1) == DIGEST_BYTES &&
            sqlite3_column_bytes(statement, 2) == DIGEST_BYTES) {
            memcpy(entry.key, sqlite3_column_blob(statement, 1), DIGEST_BYTES);
            memcpy(entry.body, sqlite3_column_blob(statement, 2), DIGEST_BYTES);
            room = add_recent(keys, &entry);
        }
    }
    bool good = room && code == SQLITE_DONE;
    if (!good) {
        (void)store_error(store, "read the keys of deliveries", err);
    }
    (void)sqlite3_reset(statement);
    return good;
}

bool store_keys_load(struct store *store, struct err *err) {
    if (store->keys) {
        return true;
    }
    struct store_keys *keys = calloc(1, sizeof *keys);
    if (!keys) {
        return err_set(err, ERR_BUG, "out of memory");
    }
    if (!read_pending(store, keys, err)) {
        store_keys_free(keys);
        return false;
    }
    keys->kept = keys->count;
    store->keys = keys;
    /* Each new key is looked for at a place of its own in the index. Given back with store_rest;
     * without it, it is only slower. */
    (void)sqlite3_exec(store->db, KEYS_CACHE, NULL, NULL, NULL);
    return true;
}

static void tell(struct webhook_delivery *delivery, int64_t push, const void *body) {
    (void)id_text("psh", push, delivery->id);
    bool same = digest_equal(body, DIGEST_BYTES, delivery->body_hash, DIGEST_BYTES);
    delivery->outcome = same ? WEBHOOK_DUPLICATE : WEBHOOK_CONFLICT;
}

static const struct key_entry *find_in_memory(const struct store_keys *keys,
                                              const unsigned char *key) {
    if (keys->count > 0) {
        uint32_t slot = keys->slots[slot_of(keys, key)];
        if (slot) {
            return &keys->recent[slot - 1];
        }
    }
    return keys->run_count == 0
               ? NULL
               : bsearch(key, keys->run, keys->run_count, sizeof *keys->run, compare_key);
}

bool store_keys_seen(struct store *store, struct webhook_delivery *delivery) {
    const struct key_entry *entry =
        delivery->keyed ? find_in_memory(store->keys, delivery->key) : NULL;
    if (entry) {
        tell(delivery, entry->push, entry->body);
        return true;
    }
    sqlite3_stmt *statement = delivery->keyed ? store_statement(store, STORE_SQL_KEY_FIND) : NULL;
    if (!statement) {
        return false;
    }
    (void)sqlite3_bind_blob(statement, 1, delivery->key, DIGEST_BYTES, SQLITE_STATIC);
    bool seen =
        sqlite3_step(statement) == SQLITE_ROW && sqlite3_column_bytes(statement, 1) == DIGEST_BYTES;
    if (seen) {
        tell(delivery, sqlite3_column_int64(statement, 0), sqlite3_column_blob(statement, 1));
    }
    (void)sqlite3_reset(statement);
    return seen;
}

bool store_keys_add(struct store *store, const struct webhook_delivery *delivery, int64_t push,
                    struct err *err) {
    struct key_entry entry = {.push = push};
    memcpy(entry.key, delivery->key, DIGEST_BYTES);
    memcpy(entry.body, delivery->body_hash, DIGEST_BYTES);
    return add_recent(store->keys, &entry) || err_set(err, ERR_BUG, "out of memory");
}

void store_keys_rest(struct store *store) {
    struct store_keys *keys = store->keys;
    struct err ignored = ERR_INIT;
    if (!keys || keys->count + (keys->run_count - keys->merged) < KEYS_WORTH) {
        return;
    }
    bool good = true;
    /* The rest of the run, then what is recent as a run of its own. */
    for (int round = 0; good && round < 2; round++) {
        good = store_begin(store, &ignored);
        if (good) {
            good = store_keys_merge(store, SIZE_MAX, &ignored);
            if (!good) {
                store_rollback(store);
            }
            good = good && store_commit(store, &ignored);
            store_keys_end(store, good);
        }
        if (good && round == 0) {
            begin_run(keys);
        }
    }
    if (good) { /* what stays in memory is nothing: it is read again when something comes */
        store_keys_free(TAKE(store->keys));
    }
}
