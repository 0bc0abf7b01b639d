/* The schema: owns its versions, and migrates a database to the newest. */
#include "agent/store/internal.h"

/* As row_bytes in usage.c. */
#define USAGE_OF(row)                                                                              \
    "400 + length(" row "sender) + length(" row "image) + length(" row "digest)"                   \
    " + ifnull(length(CAST(" row "meta AS BLOB)), 0)"

/* Each entry migrates the schema from its index to the next version (PRAGMA user_version). Never
 * change a released entry: add another. */
static const char *const store_migrations[] = {
    "CREATE TABLE pushes(id INTEGER PRIMARY KEY, lead INTEGER NOT NULL, sender TEXT NOT NULL,"
    " image TEXT NOT NULL, digest TEXT NOT NULL, meta TEXT, received INTEGER NOT NULL,"
    " superseded_by INTEGER NOT NULL DEFAULT 0, key BLOB, body BLOB);"
    "CREATE UNIQUE INDEX pushes_key ON pushes(key) WHERE key IS NOT NULL;"
    "CREATE INDEX pushes_lead ON pushes(lead) WHERE lead <> id;"
    "CREATE TABLE platforms(name TEXT PRIMARY KEY, through INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE updates(id INTEGER PRIMARY KEY, push INTEGER NOT NULL, target TEXT NOT NULL,"
    " instance TEXT NOT NULL, image TEXT NOT NULL, stage TEXT NOT NULL, result TEXT,"
    " reason TEXT NOT NULL, from_digest TEXT NOT NULL, to_digest TEXT NOT NULL,"
    " not_before INTEGER NOT NULL, stage_since INTEGER NOT NULL, attempts INTEGER NOT NULL,"
    " created INTEGER NOT NULL, finished INTEGER NOT NULL, changed INTEGER NOT NULL,"
    " revision INTEGER NOT NULL, step TEXT NOT NULL, back INTEGER NOT NULL, journal TEXT NOT NULL);"
    "CREATE INDEX updates_open ON updates(not_before) WHERE result IS NULL;"
    "CREATE INDEX updates_due ON updates(stage = 'fetch', not_before, changed) WHERE result IS "
    "NULL;"
    "CREATE INDEX updates_target ON updates(target) WHERE result IS NULL;"
    "CREATE INDEX updates_push ON updates(push);"
    "CREATE TABLE history(id INTEGER PRIMARY KEY, subject INTEGER NOT NULL, at INTEGER NOT NULL,"
    " stage TEXT NOT NULL, event TEXT NOT NULL, detail TEXT NOT NULL);"
    "CREATE INDEX history_subject ON history(subject);"
    "CREATE TABLE rejected(target TEXT NOT NULL, digest TEXT NOT NULL, \"update\" INTEGER NOT NULL,"
    " at INTEGER NOT NULL, PRIMARY KEY(target, digest)) WITHOUT ROWID;"
    "CREATE TABLE probe(id INTEGER PRIMARY KEY, at INTEGER NOT NULL);",
    /* audit_base: the newest pruned entry, whose hash the oldest kept entry continues.
     * AUTOINCREMENT remembers the newest number even after its entry was deleted. */
    "ALTER TABLE updates ADD COLUMN approved TEXT NOT NULL DEFAULT '';"
    "CREATE TABLE holds(target TEXT PRIMARY KEY, until INTEGER NOT NULL, reason TEXT NOT NULL,"
    " at INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE audit(seq INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL,"
    " actor TEXT NOT NULL, subject TEXT NOT NULL, event TEXT NOT NULL, detail TEXT NOT NULL,"
    " hash BLOB NOT NULL);"
    "CREATE TABLE audit_base(id INTEGER PRIMARY KEY CHECK (id = 1), seq INTEGER NOT NULL,"
    " hash BLOB NOT NULL);"
    "INSERT INTO audit_base VALUES(1, 0, zeroblob(32));",
    /* keys.c: the keys of pushes up to `through` are indexed. */
    "CREATE TABLE keys(key BLOB PRIMARY KEY, push INTEGER NOT NULL) WITHOUT ROWID;"
    "INSERT INTO keys SELECT key, id FROM pushes WHERE key IS NOT NULL ORDER BY key;"
    "CREATE TABLE keys_through(id INTEGER PRIMARY KEY CHECK (id = 1), through INTEGER NOT NULL);"
    "INSERT INTO keys_through VALUES(1, (SELECT ifnull(max(id), 0) FROM pushes));"
    "DROP INDEX pushes_key;"
    "CREATE TRIGGER pushes_gone AFTER DELETE ON pushes WHEN old.key IS NOT NULL BEGIN "
    "DELETE FROM keys WHERE key = old.key AND push = old.id; END;",
    /* share.c: for several replicas; empty with one. */
    "CREATE TABLE shared(id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, key NOT NULL,"
    " slot INTEGER NOT NULL, dirty INTEGER NOT NULL, stored INTEGER NOT NULL DEFAULT 0,"
    " UNIQUE(kind, key));"
    "CREATE INDEX shared_slot ON shared(slot);"
    "CREATE TABLE inbox(object TEXT NOT NULL, push INTEGER NOT NULL, seen INTEGER NOT NULL,"
    " PRIMARY KEY(object, push)) WITHOUT ROWID;"
    "CREATE TABLE arrivals(platform TEXT NOT NULL, push INTEGER NOT NULL,"
    " PRIMARY KEY(platform, push)) WITHOUT ROWID;"
    "CREATE INDEX arrivals_push ON arrivals(push);",
    /* The gate reads these columns of all open updates; older versions kept them in the
     * journals. */
    "ALTER TABLE updates ADD COLUMN \"group\" TEXT;"
    "ALTER TABLE updates ADD COLUMN depends_on TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE updates ADD COLUMN waits_for_room INTEGER NOT NULL DEFAULT 0;"
    "UPDATE updates SET \"group\" = journal ->> '$.group', depends_on = ifnull((SELECT "
    "group_concat(value, ',') FROM json_each(journal, '$.depends_on')), ''), waits_for_room = "
    "ifnull(journal ->> '$.room', 0), journal = json_remove(journal, '$.group', '$.depends_on', "
    "'$.room') WHERE result IS NULL AND json_valid(journal);",
    /* usage.c: the bytes of each sender's pushes. */
    "CREATE TABLE usage(sender TEXT PRIMARY KEY, bytes INTEGER NOT NULL) WITHOUT ROWID;"
    "INSERT INTO usage SELECT sender, sum(" USAGE_OF(
        "") ") FROM pushes GROUP BY sender;"
            "CREATE TRIGGER pushes_usage AFTER DELETE ON pushes BEGIN "
            "UPDATE usage SET bytes = max(0, bytes - (" USAGE_OF(
                "old.") ")) WHERE sender = old.sender; END;",
    /* Names of groups belong to tenants (scope.h); earlier ones may be anybody's. Unknown projects
     * are NULL. */
    "ALTER TABLE updates ADD COLUMN project TEXT;"
    "UPDATE updates SET \"group\" = '*/' || \"group\" "
    "WHERE result IS NULL AND \"group\" <> '';",
};

/* -1: it cannot be read. */
static int64_t store_version(struct store *store, struct err *err) {
    struct query query = query_open(store, "PRAGMA user_version", err);
    int64_t version = -1;
    if (query_next(&query)) {
        version = query_int(&query, "user_version");
    }
    return query_close(&query) ? version : -1;
}

static bool store_migrate_locked(struct store *store, struct err *err) {
    const int64_t newest = (int64_t)ARRAY_LENGTH(store_migrations);
    int64_t version = store_version(store, err);
    if (version < 0) {
        return false;
    }
    if (version > newest) {
        return err_set(err, ERR_INVALID,
                       "state database: it was written by a newer landwaiter (schema %lld, this "
                       "one knows %lld): start that version, or another state directory",
                       (long long)version, (long long)newest);
    }
    for (; version < newest; version++) {
        char pragma[64];
        (void)snprintf(pragma, sizeof pragma, "PRAGMA user_version=%lld", (long long)version + 1);
        if (!store_exec(store, store_migrations[version], err) || !store_exec(store, pragma, err)) {
            return false;
        }
    }
    return true;
}

bool store_migrate(struct store *store, struct err *err) {
    if (store_version(store, NULL) == (int64_t)ARRAY_LENGTH(store_migrations)) {
        return true;
    }
    return store_begin(store, err) && store_end(store, store_migrate_locked(store, err), err);
}
