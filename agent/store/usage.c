/* The bytes that each sender's pushes take: owns the table `usage`, and the sums of the present
 * transaction. Rows leave it by the trigger pushes_usage. */
#include <sys/statvfs.h>

#include "agent/store/internal.h"

/* A push's row, its entries in indexes, and a share of what its updates leave behind. The trigger
 * and the migration in schema.c compute the same. */
static int64_t row_bytes(const struct store_push_row *row) {
    return 400 + (int64_t)strlen(row->sender) + (int64_t)strlen(row->image) +
           (int64_t)strlen(row->digest) + (row->meta ? (int64_t)strlen(row->meta) : 0);
}

int64_t store_usage_of(struct store *store, const char *sender) {
    struct query query =
        query_open(store, "SELECT bytes AS number FROM usage WHERE sender = :sender", NULL);
    int64_t bytes = 0;
    query_bind_text(&query, ":sender", sender);
    return query_number(&query, &bytes) ? bytes : 0;
}

/* NULL: out of memory. */
static struct store_usage *usage_of(struct store *store, const char *sender) {
    for (size_t i = 0; i < store->usage_count; i++) {
        if (strcmp(store->usage[i].sender, sender) == 0) {
            return &store->usage[i];
        }
    }
    struct store_usage *more =
        reallocarray(store->usage, store->usage_count + 1, sizeof *store->usage);
    if (!more) {
        return NULL;
    }
    store->usage = more;
    struct store_usage *usage = &more[store->usage_count++];
    *usage = (struct store_usage){.bytes = store_usage_of(store, sender)};
    (void)snprintf(usage->sender, sizeof usage->sender, "%s", sender);
    return usage;
}

bool store_usage_add(struct store *store, const struct store_push_row *row, struct err *err) {
    struct store_usage *usage = usage_of(store, row->sender);
    if (!usage) {
        return err_set(err, ERR_BUG, "out of memory");
    }
    usage->added += row_bytes(row);
    return true;
}

bool store_usage_fits(struct store *store, const struct webhook_delivery *delivery) {
    if (delivery->quota <= 0) {
        return true;
    }
    const struct store_usage *usage = usage_of(store, delivery->sender);
    if (!usage) {
        return false;
    }
    const int64_t used = usage->bytes + usage->added;
    store->prune_wanted = store->prune_wanted || used > delivery->quota / 4 * 3;
    return used < delivery->quota;
}

bool store_usage_save(struct store *store, struct err *err) {
    bool good = true;
    for (size_t i = 0; good && i < store->usage_count; i++) {
        const struct store_usage *usage = &store->usage[i];
        if (usage->added == 0) {
            continue;
        }
        struct query query =
            query_open(store,
                       "INSERT INTO usage(sender, bytes) VALUES(:sender, :added) ON CONFLICT "
                       "DO UPDATE SET bytes = bytes + :added",
                       err);
        query_bind_text(&query, ":sender", usage->sender);
        query_bind_int(&query, ":added", usage->added);
        good = store_run(&query);
    }
    store->usage_count = 0;
    return good;
}

void store_usage_forget(struct store *store) {
    store->usage_count = 0;
}

bool store_prune_wanted(struct store *store) {
    const bool wanted = store->prune_wanted;
    store->prune_wanted = false;
    return wanted;
}

int64_t store_used(struct store *store) {
    struct query query =
        query_open(store,
                   "SELECT (page_count - freelist_count) * page_size AS number FROM "
                   "pragma_page_count(), pragma_freelist_count(), pragma_page_size()",
                   NULL);
    int64_t bytes = 0;
    return query_number(&query, &bytes) ? bytes : 0;
}

/* Bytes that stay free: STORE_DISK_MIN, or a tenth of a small disk. */
static bool disk_has_room(const char *path) {
    struct statvfs disk;
    if (!path || statvfs(path, &disk) != 0) {
        return true; /* a write will tell */
    }
    const uint64_t tenth = (uint64_t)disk.f_blocks * disk.f_frsize / 10;
    const uint64_t least = tenth < STORE_DISK_MIN ? tenth : STORE_DISK_MIN;
    return (uint64_t)disk.f_bavail * disk.f_frsize >= least;
}

bool store_room(struct store *store, int64_t max_bytes, struct err *err) {
    if (!disk_has_room(sqlite3_db_filename(store->db, "main"))) {
        return err_set(err, ERR_TRANSIENT,
                       "the disk of the state directory is almost full: make room on it");
    }
    if (max_bytes > 0 && store_used(store) > max_bytes + max_bytes / 4) {
        return err_set(err, ERR_TRANSIENT,
                       "the state database is a quarter over `history: {size: …}`, and what is in "
                       "it is still needed");
    }
    return true;
}
