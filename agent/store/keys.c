/* Replay keys: owns the keys that are not in the index yet. A crash loses none: the rows of the
 * pushes after `keys_through` hold them. */
#include "agent/store/keys.h"

#include "agent/model/id.h"

#define KEYS_SLICE 64                         /* a commit indexes at least this many of the run */
#define KEYS_CACHE "PRAGMA cache_size=-16384" /* KiB at most */
#define KEYS_WORTH 1024                       /* fewer may stay in memory while no pushes come */

struct key_entry {
    unsigned char key[DIGEST_BYTES], body[DIGEST_BYTES];
    int64_t push;
};

struct store_keys {
    struct key_entry *recent; /* in the order of their pushes */
    size_t count, capacity;   /* of recent */
    size_t kept;              /* how many of them are from before this transaction */
    uint32_t *slots;          /* recent by key: index + 1; a power of two, at least half empty */
    size_t slot_count;
    struct key_entry *run;    /* by key */
    size_t run_count, merged; /* merged: the number of the run's keys in the index; */
    size_t merging;           /* the same with the open transaction */
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

/* Keys are hashes: their first bytes need no further hashing. */
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

/* Makes the recent keys the run. The run before must be indexed. */
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

bool store_keys_index(struct store *store, const unsigned char key[DIGEST_BYTES], int64_t push,
                      struct err *err) {
    struct query query =
        query_open(store, "INSERT OR REPLACE INTO keys(key, push) VALUES(:key, :push)", err);
    query_bind_bytes(&query, ":key", key, DIGEST_BYTES);
    query_bind_int(&query, ":push", push);
    return store_run(&query);
}

bool store_keys_merge(struct store *store, size_t count, struct err *err) {
    struct store_keys *keys = store->keys;
    size_t slice = count > KEYS_SLICE ? count : KEYS_SLICE;
    keys->merging = keys->merged;
    while (keys->merging < keys->run_count && slice-- > 0) {
        const struct key_entry *entry = &keys->run[keys->merging];
        if (!store_keys_index(store, entry->key, entry->push, err)) {
            return false;
        }
        keys->merging++;
    }
    if (keys->run_count == 0 || keys->merging < keys->run_count ||
        keys->merged == keys->run_count) {
        return true;
    }
    struct query query = query_open(store, "UPDATE keys_through SET through = :through", err);
    query_bind_int(&query, ":through", newest_of_run(keys));
    return store_run(&query);
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
    struct query query = query_open(store,
                                    "SELECT id, key, body FROM pushes WHERE id > (SELECT through "
                                    "FROM keys_through) AND key IS NOT NULL ORDER BY id",
                                    err);
    while (query_next(&query)) {
        struct key_entry entry = {.push = query_int(&query, "id")};
        if (query_sha256(&query, "key", entry.key) && query_sha256(&query, "body", entry.body) &&
            !add_recent(keys, &entry)) {
            (void)err_set(err, ERR_BUG, "out of memory");
            query_fail(&query);
        }
    }
    return query_close(&query);
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
    /* Each new key is looked up on another page of the index. A small cache would only be slower;
     * store_trim frees it. */
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

static bool find_in_index(struct store *store, struct webhook_delivery *delivery) {
    struct query query = query_open(store,
                                    "SELECT p.id AS id, p.body AS body FROM keys k "
                                    "JOIN pushes p ON p.id = k.push WHERE k.key = :key",
                                    NULL);
    unsigned char body[DIGEST_BYTES];
    query_bind_bytes(&query, ":key", delivery->key, DIGEST_BYTES);
    bool seen = query_next(&query) && query_sha256(&query, "body", body);
    if (seen) {
        tell(delivery, query_int(&query, "id"), body);
    }
    return query_close(&query) && seen;
}

bool store_keys_seen(struct store *store, struct webhook_delivery *delivery) {
    const struct key_entry *entry =
        delivery->keyed ? find_in_memory(store->keys, delivery->key) : NULL;
    if (entry) {
        tell(delivery, entry->push, entry->body);
        return true;
    }
    return delivery->keyed && find_in_index(store, delivery);
}

bool store_keys_add(struct store *store, const struct webhook_delivery *delivery, int64_t push,
                    struct err *err) {
    struct key_entry entry = {.push = push};
    memcpy(entry.key, delivery->key, DIGEST_BYTES);
    memcpy(entry.body, delivery->body_hash, DIGEST_BYTES);
    return add_recent(store->keys, &entry) || err_set(err, ERR_BUG, "out of memory");
}

void store_keys_trim(struct store *store) {
    struct store_keys *keys = store->keys;
    if (!keys || keys->count + (keys->run_count - keys->merged) < KEYS_WORTH) {
        return;
    }
    bool good = true;
    /* The rest of the run, then the recent keys as a run of their own. */
    for (int round = 0; good && round < 2; round++) {
        good = store_begin(store, NULL);
        if (good) {
            good = store_end(store, store_keys_merge(store, SIZE_MAX, NULL), NULL);
            store_keys_end(store, good);
        }
        if (good && round == 0) {
            begin_run(keys);
        }
    }
    if (good) { /* the next delivery loads them again */
        store_keys_free(TAKE(store->keys));
    }
}
