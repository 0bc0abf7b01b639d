/* The database itself: opening, schema, statements, transactions, history, pruning. Pushes,
 * updates, holds and the audit trail have files of their own. */
#include "agent/store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/model/id.h"
#include "agent/store/internal.h"
#include "agent/store/keys.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/thread.h"

#define STORE_BUSY_MS 10000
#define STORE_PRUNE_BATCH "500"
#define STORE_PRUNE_SCAN "10000" /* rows looked at for a batch, so that no write waits long */
#define STORE_PRUNE_BATCHES 200
#define STORE_REJECTED_MAX "10000"

/* Each entry brings the schema from its index to the next version (PRAGMA user_version). Never
 * change one that was released: add one. */
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
    /* audit_base: the last entry that was pruned, from whose hash the chain goes on. AUTOINCREMENT
     * remembers the last number also when its entry was taken away. */
    "ALTER TABLE updates ADD COLUMN approved TEXT NOT NULL DEFAULT '';"
    "CREATE TABLE holds(target TEXT PRIMARY KEY, until INTEGER NOT NULL, reason TEXT NOT NULL,"
    " at INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE audit(seq INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL,"
    " actor TEXT NOT NULL, subject TEXT NOT NULL, event TEXT NOT NULL, detail TEXT NOT NULL,"
    " hash BLOB NOT NULL);"
    "CREATE TABLE audit_base(id INTEGER PRIMARY KEY CHECK (id = 1), seq INTEGER NOT NULL,"
    " hash BLOB NOT NULL);"
    "INSERT INTO audit_base VALUES(1, 0, zeroblob(32));",
    /* store_keys.c: keys of pushes up to `through` are indexed. */
    "CREATE TABLE keys(key BLOB PRIMARY KEY, push INTEGER NOT NULL) WITHOUT ROWID;"
    "INSERT INTO keys SELECT key, id FROM pushes WHERE key IS NOT NULL ORDER BY key;"
    "CREATE TABLE keys_through(id INTEGER PRIMARY KEY CHECK (id = 1), through INTEGER NOT NULL);"
    "INSERT INTO keys_through VALUES(1, (SELECT ifnull(max(id), 0) FROM pushes));"
    "DROP INDEX pushes_key;"
    "CREATE TRIGGER pushes_gone AFTER DELETE ON pushes WHEN old.key IS NOT NULL BEGIN "
    "DELETE FROM keys WHERE key = old.key AND push = old.id; END;",
    /* store_share.c: for several replicas; empty with one. */
    "CREATE TABLE shared(id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, key NOT NULL,"
    " slot INTEGER NOT NULL, dirty INTEGER NOT NULL, stored INTEGER NOT NULL DEFAULT 0,"
    " UNIQUE(kind, key));"
    "CREATE INDEX shared_slot ON shared(slot);"
    "CREATE TABLE inbox(object TEXT NOT NULL, push INTEGER NOT NULL, seen INTEGER NOT NULL,"
    " PRIMARY KEY(object, push)) WITHOUT ROWID;"
    "CREATE TABLE arrivals(platform TEXT NOT NULL, push INTEGER NOT NULL,"
    " PRIMARY KEY(platform, push)) WITHOUT ROWID;"
    "CREATE INDEX arrivals_push ON arrivals(push);",
    /* What the gate asks of other updates was in their journals. */
    "ALTER TABLE updates ADD COLUMN \"group\" TEXT;"
    "ALTER TABLE updates ADD COLUMN depends_on TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE updates ADD COLUMN waits_for_room INTEGER NOT NULL DEFAULT 0;"
    "UPDATE updates SET \"group\" = journal ->> '$.group', depends_on = ifnull((SELECT "
    "group_concat(value, ',') FROM json_each(journal, '$.depends_on')), ''), waits_for_room = "
    "ifnull(journal ->> '$.room', 0), journal = json_remove(journal, '$.group', '$.depends_on', "
    "'$.room') WHERE result IS NULL AND json_valid(journal);",
};

#define STORE_PUSH_COLUMNS                                                                         \
    "id, lead, sender, image, digest, received, superseded_by, meta FROM pushes "
#define STORE_UPDATE_COLUMNS                                                                       \
    "u.id, u.push, u.target, u.instance, u.image, u.stage, u.result, u.reason, u.from_digest, "    \
    "u.to_digest, u.not_before, u.stage_since, u.attempts, u.created, u.finished, u.revision, "    \
    "u.step, u.back, u.journal, p.digest, p.received, u.approved, u.\"group\", u.depends_on, "     \
    "u.waits_for_room "                                                                            \
    "FROM updates u JOIN pushes p ON p.id = u.push "

#define STORE_PRUNE_FINISHED                                                                       \
    "(SELECT id FROM (SELECT id, result, finished FROM updates ORDER BY id "                       \
    "LIMIT " STORE_PRUNE_SCAN ") WHERE result IS NOT NULL AND finished < ?1 "                      \
    "LIMIT " STORE_PRUNE_BATCH ")"

static const char *const store_sql[STORE_SQL_COUNT] = {
    [STORE_SQL_BEGIN] = "BEGIN IMMEDIATE",
    [STORE_SQL_SNAPSHOT] = "BEGIN",
    [STORE_SQL_COMMIT] = "COMMIT",
    [STORE_SQL_ROLLBACK] = "ROLLBACK",
    [STORE_SQL_SYNC_NORMAL] = "PRAGMA synchronous=NORMAL",
    [STORE_SQL_SYNC_FULL] = "PRAGMA synchronous=FULL",
    [STORE_SQL_PROBE] = "INSERT OR REPLACE INTO probe VALUES(1, ?1)",
    [STORE_SQL_KEY_FIND] =
        "SELECT p.id, p.body FROM keys k JOIN pushes p ON p.id = k.push WHERE k.key = ?1",
    [STORE_SQL_KEY_ADD] = "INSERT OR REPLACE INTO keys VALUES(?1, ?2)",
    [STORE_SQL_KEYS_PENDING] = "SELECT id, key, body FROM pushes WHERE id > (SELECT through FROM "
                               "keys_through) AND key IS NOT NULL ORDER BY id",
    [STORE_SQL_KEYS_THROUGH] = "UPDATE keys_through SET through = ?1",
    [STORE_SQL_PUSH_ADD] = "INSERT INTO pushes(id, lead, sender, image, digest, meta, received, "
                           "key, body) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    [STORE_SQL_PUSH_FIND] = "SELECT " STORE_PUSH_COLUMNS "WHERE id = ?1",
    [STORE_SQL_PUSH_LIST] = "SELECT " STORE_PUSH_COLUMNS "ORDER BY id DESC LIMIT ?1",
    [STORE_SQL_PUSH_FOLLOWERS] =
        "SELECT " STORE_PUSH_COLUMNS "WHERE lead = ?1 AND lead <> id ORDER BY id LIMIT 1000",
    [STORE_SQL_WAS_PUSHED] = "SELECT 1 FROM (SELECT id, image, digest, received FROM pushes ORDER "
                             "BY id DESC LIMIT 10000) "
                             "WHERE id <> ?1 AND image = ?2 AND (digest = ?3 OR (digest = '' AND "
                             "received > ?4)) LIMIT 1",
    [STORE_SQL_UNMATCHED] =
        "SELECT " STORE_PUSH_COLUMNS
        "WHERE id > (SELECT through FROM platforms WHERE name = ?1) UNION "
        "ALL SELECT " STORE_PUSH_COLUMNS "WHERE id IN (SELECT push FROM arrivals WHERE platform = "
        "?1) AND id <= (SELECT through FROM platforms WHERE name = ?1) ORDER BY id LIMIT ?2",
    [STORE_SQL_HAS_UNMATCHED] =
        "SELECT (SELECT max(id) FROM pushes) > (SELECT through FROM platforms WHERE name = ?1) "
        "OR EXISTS(SELECT 1 FROM arrivals WHERE platform = ?1)",
    [STORE_SQL_ARRIVED] = "DELETE FROM arrivals WHERE platform = ?1 AND push = ?2",
    /* Its row is the first of store_share.c's kinds. */
    [STORE_SQL_ARRIVED_ALL] =
        "INSERT INTO shared(kind, key, slot, dirty) SELECT 1, ?1, -1, 1 WHERE NOT EXISTS(SELECT 1 "
        "FROM arrivals WHERE push = ?1) AND NOT EXISTS(SELECT 1 FROM shared WHERE kind = 1 AND key "
        "= ?1)",
    [STORE_SQL_THROUGH] = "SELECT through >= ?2 AND NOT EXISTS(SELECT 1 FROM arrivals WHERE "
                          "platform = ?1 AND push = ?2) FROM platforms WHERE name = ?1",
    [STORE_SQL_PLATFORM_BEGIN] = "INSERT OR IGNORE INTO platforms(name, through) VALUES(?1, "
                                 "(SELECT ifnull(max(id), 0) FROM pushes))",
    [STORE_SQL_PLATFORM_END] = "DELETE FROM platforms WHERE name = ?1",
    [STORE_SQL_PLATFORM_THROUGH] =
        "UPDATE platforms SET through = max(through, ?2) WHERE name = ?1",
    [STORE_SQL_PUSH_SUPERSEDE] = "UPDATE pushes SET superseded_by = ?2 WHERE id = ?1",
    [STORE_SQL_UPDATE_ADD] =
        "INSERT INTO updates(id, push, target, instance, image, stage, result, reason, "
        "from_digest, to_digest, not_before, stage_since, attempts, created, finished, changed, "
        "revision, step, back, journal) VALUES(?1, ?2, ?3, ?4, ?5, " STAGE_SQL_POLICY
        ", ?6, ?7, ?8, ?9, 0, "
        "?10, 0, ?10, ?11, ?10, 0, '', 0, '{}')",
    [STORE_SQL_UPDATE_MADE] = "SELECT EXISTS(SELECT 1 FROM updates WHERE push = ?2 AND target = "
                              "?1)",
    [STORE_SQL_UPDATE_SUPERSEDE] = "UPDATE updates SET result = " RESULT_SQL_SUPERSEDED
                                   ", reason = ?2, finished = ?3, changed = ?3, "
                                   "revision = revision + 1 WHERE target = ?1 AND result IS NULL "
                                   "AND stage IN (" STAGE_SQL_BEFORE_APPLY ") RETURNING id",
    /* A row that was changed in the future tells that the clock was set back: due at once. What
     * fetches comes last: there are few places for it, so that a long queue of it must not hide
     * everything else behind the limit. */
    [STORE_SQL_UPDATE_DUE] =
        "SELECT u.id FROM updates u WHERE u.result IS NULL AND (u.not_before <= ?1 "
        "OR u.changed > ?1 + 1000) AND u.stage IS NOT ?2 AND u.stage IS NOT ?3 ORDER BY u.stage "
        "= " STAGE_SQL_FETCH ", u.not_before, u.changed, u.id "
        "LIMIT 64",
    [STORE_SQL_UPDATE_NEXT] =
        "SELECT min(not_before) FROM updates WHERE result IS NULL AND not_before > ?1",
    [STORE_SQL_UPDATE_FIND] = "SELECT " STORE_UPDATE_COLUMNS "WHERE u.id = ?1",
    [STORE_SQL_UPDATE_LIST] = "SELECT " STORE_UPDATE_COLUMNS "ORDER BY u.id DESC LIMIT ?1",
    [STORE_SQL_UPDATE_OPEN] =
        "SELECT " STORE_UPDATE_COLUMNS "WHERE u.result IS NULL ORDER BY u.id DESC LIMIT ?1",
    [STORE_SQL_UPDATE_OF_PUSH] =
        "SELECT " STORE_UPDATE_COLUMNS "WHERE u.push = ?2 ORDER BY u.id LIMIT ?1",
    [STORE_SQL_OPEN_OF_PUSH] = "SELECT count(*) FROM updates WHERE push = ?1 AND result IS NULL",
    [STORE_SQL_PUSH_OPEN] =
        "SELECT EXISTS(SELECT 1 FROM updates WHERE push = ?1 AND result IS NULL)",
    [STORE_SQL_OPEN_STAGES] =
        "SELECT stage, count(*) FROM updates WHERE result IS NULL GROUP BY stage ORDER BY stage",
    [STORE_SQL_OPEN_OTHERS] =
        "SELECT id, push, target, image, stage, not_before, created, \"group\", depends_on, "
        "waits_for_room FROM updates WHERE result IS NULL AND id <> ?1 ORDER BY id",
    [STORE_SQL_OPEN_OTHER] =
        "SELECT max(id) FROM updates WHERE target = ?1 AND result IS NULL AND id <> ?2",
    [STORE_SQL_UPDATE_SAVE] =
        "UPDATE updates SET instance = ?3, stage = ?4, result = ?5, reason = ?6, from_digest = ?7, "
        "to_digest = ?8, not_before = ?9, stage_since = ?10, attempts = ?11, finished = ?12, "
        "changed = ?13, step = ?14, back = ?15, journal = ?16, approved = ?17, "
        "\"group\" = ?18, depends_on = ?19, waits_for_room = ?20, "
        "revision = ?2 + 1 "
        "WHERE id = ?1 AND revision = ?2",
    [STORE_SQL_AT_GATE] =
        "SELECT EXISTS(SELECT 1 FROM updates WHERE result IS NULL AND stage = " STAGE_SQL_GATE ")",
    /* Also the revision: a worker that is just deciding to wait knew less. */
    [STORE_SQL_WAKE_GATE] =
        "UPDATE updates SET not_before = 0, revision = revision + 1 "
        "WHERE result IS NULL AND stage = " STAGE_SQL_GATE " "
        "AND (?1 IS NULL OR not_before <= ?2 OR (not_before >= ?1 AND "
        "(NOT waits_for_room OR id IN (SELECT id FROM "
        "(SELECT id, row_number() OVER (PARTITION BY image ORDER BY id) AS place "
        "FROM updates WHERE result IS NULL AND stage = " STAGE_SQL_GATE " AND not_before >= ?1 "
        "AND waits_for_room) "
        "WHERE place <= 2 ORDER BY place, id LIMIT 32))))",
    [STORE_SQL_HISTORY_ADD] =
        "INSERT INTO history(subject, at, stage, event, detail) VALUES(?1, ?2, ?3, ?4, ?5)",
    [STORE_SQL_HISTORY] =
        "SELECT at, stage, event, detail FROM (SELECT * FROM history WHERE subject = ?1 "
        "ORDER BY id DESC LIMIT 1000) ORDER BY id",
    [STORE_SQL_REJECTED] = "SELECT \"update\" FROM rejected WHERE target = ?1 AND digest = ?2",
    [STORE_SQL_REJECT] = "INSERT OR REPLACE INTO rejected VALUES(?1, ?2, ?3, ?4)",
    [STORE_SQL_UNREJECT] = "DELETE FROM rejected WHERE target = ?1 AND digest = ?2",
    [STORE_SQL_HELD] = "SELECT target, until, reason, at FROM holds WHERE target IN (?1, 'all') "
                       "AND (until = 0 OR until > ?2) ORDER BY until = 0 DESC, until DESC, target "
                       "LIMIT 1",
    [STORE_SQL_HOLD] = "INSERT OR REPLACE INTO holds VALUES(?1, ?2, ?3, ?4)",
    [STORE_SQL_RELEASE] = "DELETE FROM holds WHERE target = ?1 AND (until = 0 OR until > ?2)",
    [STORE_SQL_AUDIT_LAST] =
        "SELECT ifnull((SELECT seq FROM sqlite_sequence WHERE name = 'audit'), 0), ifnull("
        "(SELECT hash FROM audit ORDER BY seq DESC LIMIT 1), (SELECT hash FROM audit_base))",
    [STORE_SQL_AUDIT_ADD] = "INSERT INTO audit VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    [STORE_SQL_AUDIT_LIST] =
        "SELECT seq, at, actor, subject, event, detail, hash FROM audit ORDER BY seq DESC LIMIT ?1",
    [STORE_SQL_AUDIT_ALL] =
        "SELECT seq, at, actor, subject, event, detail, hash FROM audit ORDER BY seq",
    [STORE_SQL_AUDIT_ENDS] = "SELECT (SELECT seq FROM audit_base), (SELECT hash FROM audit_base), "
                             "ifnull((SELECT seq FROM sqlite_sequence WHERE name = 'audit'), 0)",
    [STORE_SQL_PRUNE_HISTORY] = "DELETE FROM history WHERE subject IN " STORE_PRUNE_FINISHED,
    [STORE_SQL_PRUNE_UPDATES] = "DELETE FROM updates WHERE id IN " STORE_PRUNE_FINISHED,
    /* Not what no platform has looked at yet, however old: it was acknowledged. */
    [STORE_SQL_PRUNE_PUSHES] =
        "DELETE FROM pushes WHERE id IN (SELECT id FROM "
        "(SELECT id, received FROM pushes ORDER BY id LIMIT " STORE_PRUNE_SCAN ") AS old "
        "WHERE received < ?1 AND id <= (SELECT ifnull(min(through), 9223372036854775807) FROM "
        "platforms) AND id NOT IN (SELECT push FROM arrivals) "
        "AND NOT EXISTS (SELECT 1 FROM updates u WHERE u.push = old.id) "
        "LIMIT " STORE_PRUNE_BATCH ")",
    [STORE_SQL_PRUNE_HOLDS] = "DELETE FROM holds WHERE until <> 0 AND until < ?1",
    /* The oldest entries up to the first that is kept: a chain without holes, also where the clock
     * was set back. */
    [STORE_SQL_PRUNE_AUDIT_BASE] =
        "WITH old AS (SELECT seq, at, hash FROM audit ORDER BY seq LIMIT " STORE_PRUNE_BATCH ") "
        "INSERT OR REPLACE INTO audit_base SELECT 1, seq, hash FROM old WHERE seq < (SELECT "
        "ifnull(min(seq), 9223372036854775807) FROM old WHERE at >= ?1) ORDER BY seq DESC LIMIT 1",
    [STORE_SQL_PRUNE_AUDIT] = "DELETE FROM audit WHERE seq <= (SELECT seq FROM audit_base)",
    /* What was rolled back stays refused however long ago that was; only their number is bounded.
     */
    [STORE_SQL_PRUNE_REJECTED] =
        "DELETE FROM rejected WHERE at < (SELECT at FROM rejected ORDER BY at DESC "
        "LIMIT 1 OFFSET " STORE_REJECTED_MAX ")",
};

bool store_error(struct store *store, const char *what, struct err *err) {
    int code = sqlite3_extended_errcode(store->db);
    switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PROTOCOL:
        return err_set(err, ERR_TRANSIENT, "state database: %s: %s", what,
                       sqlite3_errmsg(store->db));
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
        return err_set(err, ERR_INVALID, "state database: %s: %s", what, sqlite3_errmsg(store->db));
    default:
        return err_set(err, ERR_BUG, "state database: %s: %s", what, sqlite3_errmsg(store->db));
    }
}

sqlite3_stmt *store_statement(struct store *store, enum store_statement which) {
    sqlite3_stmt **statement = &store->statements[which];
    if (!*statement &&
        sqlite3_prepare_v3(store->db, store_sql[which], -1, SQLITE_PREPARE_PERSISTENT, statement,
                           NULL) != SQLITE_OK) {
        return NULL;
    }
    (void)sqlite3_reset(*statement);
    (void)sqlite3_clear_bindings(*statement);
    return *statement;
}

static bool store_step(struct store *store, sqlite3_stmt *statement, struct err *err) {
    if (!statement) {
        return store_error(store, "prepare", err);
    }
    int code = SQLITE_ROW;
    while (code == SQLITE_ROW) {
        code = sqlite3_step(statement);
    }
    bool done = code == SQLITE_DONE;
    if (!done) {
        (void)store_error(store, "write", err);
    }
    (void)sqlite3_reset(statement);
    return done;
}

/* Whether a commit waits for the disk. It cannot change inside a transaction, and costs as much as
 * preparing a statement: it stays until the other is asked for. */
static bool store_sync(struct store *store, bool fast, struct err *err) {
    enum store_statement which = fast ? STORE_SQL_SYNC_NORMAL : STORE_SQL_SYNC_FULL;
    if (store->fast != fast && !store_step(store, store_statement(store, which), err)) {
        return false;
    }
    store->fast = fast;
    return true;
}

bool store_run(struct store *store, sqlite3_stmt *statement, struct err *err) {
    /* A change that is a transaction of its own is on the disk when it is done. */
    bool alone = statement && store->fast && sqlite3_get_autocommit(store->db) &&
                 !sqlite3_stmt_readonly(statement);
    return (!alone || store_sync(store, false, err)) && store_step(store, statement, err);
}

static struct {
    pthread_once_t once;
    pthread_mutex_t mutex;
    pthread_cond_t free;
    bool taken;
} store_turn = {.once = PTHREAD_ONCE_INIT, .mutex = PTHREAD_MUTEX_INITIALIZER};

static void store_turn_init(void) {
    thread_condition_init(&store_turn.free);
}

static bool store_take_turn(struct store *store, struct err *err) {
    const struct timespec until = thread_after(STORE_BUSY_MS);
    int failed = 0;
    (void)pthread_once(&store_turn.once, store_turn_init);
    (void)pthread_mutex_lock(&store_turn.mutex);
    while (store_turn.taken && !failed) {
        failed = pthread_cond_timedwait(&store_turn.free, &store_turn.mutex, &until);
    }
    store->writing = !store_turn.taken;
    store_turn.taken = true;
    (void)pthread_mutex_unlock(&store_turn.mutex);
    return store->writing ||
           err_set(err, ERR_TRANSIENT,
                   "the state database has been written to for %d s: is its disk all right?",
                   STORE_BUSY_MS / 1000);
}

static void store_end_turn(struct store *store) {
    if (store->writing) {
        store->writing = false;
        (void)pthread_mutex_lock(&store_turn.mutex);
        store_turn.taken = false;
        (void)pthread_cond_signal(&store_turn.free);
        (void)pthread_mutex_unlock(&store_turn.mutex);
    }
}

static bool store_begin_as(struct store *store, bool fast, struct err *err) {
    if (!store_sync(store, fast, err) || !store_take_turn(store, err)) {
        return false;
    }
    if (!store_step(store, store_statement(store, STORE_SQL_BEGIN), err)) {
        store_end_turn(store);
        return false;
    }
    return true;
}

bool store_begin(struct store *store, struct err *err) {
    return store_begin_as(store, false, err);
}

bool store_begin_fast(struct store *store, struct err *err) {
    return store_begin_as(store, true, err);
}

void store_rollback(struct store *store) {
    struct err ignored = ERR_INIT;
    if (!sqlite3_get_autocommit(store->db)) {
        (void)!store_run(store, store_statement(store, STORE_SQL_ROLLBACK), &ignored);
    }
    store_end_turn(store);
}

bool store_commit(struct store *store, struct err *err) {
    if (store_run(store, store_statement(store, STORE_SQL_COMMIT), err)) {
        store_end_turn(store);
        return true;
    }
    store_rollback(store);
    return false;
}

bool store_snapshot(struct store *store, struct err *err) {
    return store_run(store, store_statement(store, STORE_SQL_SNAPSHOT), err);
}

void store_snapshot_end(struct store *store) {
    store_rollback(store);
}

void store_bind_text(sqlite3_stmt *statement, int at, const char *text) {
    (void)sqlite3_bind_text(statement, at, text, -1, SQLITE_TRANSIENT);
}

void store_column_text(sqlite3_stmt *statement, int at, char *out, size_t size) {
    const unsigned char *text = sqlite3_column_text(statement, at);
    (void)snprintf(out, size, "%s", text ? (const char *)text : "");
}

/* ---- opening ---- */

static bool store_exec(struct store *store, const char *sql, struct err *err) {
    if (sqlite3_exec(store->db, sql, NULL, NULL, NULL) != SQLITE_OK) {
        return store_error(store, "set up", err);
    }
    return true;
}

static int store_version(struct store *store) {
    sqlite3_stmt *statement = NULL;
    int version = -1;
    if (sqlite3_prepare_v2(store->db, "PRAGMA user_version", -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW) {
        version = sqlite3_column_int(statement, 0);
    }
    (void)sqlite3_finalize(statement);
    return version;
}

static bool store_migrate_locked(struct store *store, struct err *err) {
    int newest = (int)ARRAY_LENGTH(store_migrations);
    int version = store_version(store);
    if (version < 0) {
        return store_error(store, "read the schema's version", err);
    }
    if (version > newest) {
        return err_set(err, ERR_INVALID,
                       "state database: it was written by a newer landwaiter (schema %d, this one "
                       "knows %d): start that version, or another state directory",
                       version, newest);
    }
    for (; version < newest; version++) {
        char pragma[64];
        (void)snprintf(pragma, sizeof pragma, "PRAGMA user_version=%d", version + 1);
        if (!store_exec(store, store_migrations[version], err) || !store_exec(store, pragma, err)) {
            return false;
        }
    }
    return true;
}

static bool store_migrate(struct store *store, struct err *err) {
    if (store_version(store) == (int)ARRAY_LENGTH(store_migrations)) {
        return true;
    }
    if (!store_begin(store, err)) {
        return false;
    }
    if (!store_migrate_locked(store, err)) {
        store_rollback(store);
        return false;
    }
    return store_commit(store, err);
}

/* Also ids of what was pruned meanwhile: a push below what a platform has looked at would never be
 * looked at. */
static bool store_learn_ids(struct store *store, struct err *err) {
    static const char *const queries[] = {
        "SELECT max(id) FROM pushes", "SELECT max(id) FROM updates",
        "SELECT max(through) FROM platforms", "SELECT max(\"update\") FROM rejected"};
    bool good = true;
    for (size_t i = 0; good && i < ARRAY_LENGTH(queries); i++) {
        sqlite3_stmt *statement = NULL;
        good = sqlite3_prepare_v2(store->db, queries[i], -1, &statement, NULL) == SQLITE_OK &&
               sqlite3_step(statement) == SQLITE_ROW;
        if (good) {
            id_after(sqlite3_column_int64(statement, 0)); /* NULL reads as 0 */
        } else {
            (void)store_error(store, "read the largest id", err);
        }
        (void)sqlite3_finalize(statement);
    }
    return good;
}

/* Was store_share called? Its triggers say so. */
static bool store_is_shared(struct store *store) {
    sqlite3_stmt *statement = NULL;
    bool shared =
        sqlite3_prepare_v2(store->db, "SELECT 1 FROM sqlite_master WHERE name = 'share_update_new'",
                           -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW;
    (void)sqlite3_finalize(statement);
    return shared;
}

/* DIRECTORY/NAME into out, once the directory is there. */
static bool store_path(const char *directory, const char *name, char out[PATH_MAX],
                       struct err *err) {
    if (mkdir(directory, 0700) != 0 && errno != EEXIST) {
        return err_set(err, ERR_INVALID,
                       "state directory %s: %s: make it, or name another one with `state:`",
                       directory, strerror(errno));
    }
    int len = snprintf(out, PATH_MAX, "%s/%s", directory, name);
    if (len < 0 || len >= PATH_MAX) {
        return err_set(err, ERR_INVALID, "state directory: its name is too long");
    }
    return true;
}

bool store_open(const char *directory, struct store **out, struct err *err) {
    char path[PATH_MAX];
    if (!store_path(directory, "landwaiter.db", path, err)) {
        return false;
    }
    CLEANUP(store_release) struct store *store = calloc(1, sizeof *store);
    if (!store) {
        return err_set(err, ERR_BUG, "out of memory");
    }
    /* Nobody else's to read, whatever the directory's mode: SQLite's own files take this one's.
     * Only where it is new: closing an fd of a database that is open elsewhere in this process
     * would drop SQLite's locks on it. */
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0) {
        (void)close(fd);
    }
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(path, &store->db, flags, NULL) != SQLITE_OK) {
        (void)store_error(store, "open", err);
        return err_wrap(err, "%s", path);
    }
    (void)sqlite3_busy_timeout(store->db, STORE_BUSY_MS);
    /* The cache holds what a batch of pushes with random keys changes, and is given back when there
     * is nothing to do (store_rest). A long log is merged into the database more cheaply: most of
     * its pages are several versions of one; 4,000 is what one block of its index holds. */
    if (!store_exec(store,
                    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-1024;"
                    "PRAGMA wal_autocheckpoint=4000; PRAGMA journal_size_limit=16777216;"
                    "PRAGMA temp_store=MEMORY;",
                    err) ||
        !store_migrate(store, err) || !store_learn_ids(store, err)) {
        return err_wrap(err, "%s", path);
    }
    store->shared = store_is_shared(store);
    *out = TAKE(store);
    return true;
}

void store_free(struct store *store) {
    if (!store) {
        return;
    }
    store_keys_free(store->keys);
    for (size_t i = 0; i < STORE_SQL_COUNT; i++) {
        (void)sqlite3_finalize(store->statements[i]);
    }
    (void)sqlite3_close(store->db);
    free(store);
}

void store_release(struct store **store) {
    store_free(*store);
}

int store_lock(const char *directory, struct err *err) {
    char path[PATH_MAX];
    if (!store_path(directory, "landwaiter.lock", path, err)) {
        return -1;
    }
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        (void)err_set(err, ERR_INVALID, "%s: %s", path, strerror(errno));
        return -1;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        (void)err_set(err, ERR_INVALID,
                      "%s: another landwaiter works on this state directory: stop it, or name "
                      "another one with `state:`",
                      path);
        (void)close(fd);
        return -1;
    }
    return fd;
}

bool store_probe(struct store *store, struct err *err) {
    sqlite3_stmt *statement = store_statement(store, STORE_SQL_PROBE);
    if (statement) {
        (void)sqlite3_bind_int64(statement, 1, clock_now_ms());
    }
    return store_run(store, statement, err);
}

/* ---- history ---- */

static bool store_history_row(struct store *store, const struct store_history_line *line,
                              struct err *err) {
    sqlite3_stmt *statement = store_statement(store, STORE_SQL_HISTORY_ADD);
    if (statement) {
        (void)sqlite3_bind_int64(statement, 1, line->subject);
        (void)sqlite3_bind_int64(statement, 2, line->at_ms);
        store_bind_text(statement, 3, line->stage);
        store_bind_text(statement, 4, line->event);
        store_bind_text(statement, 5, line->detail ? line->detail : "");
    }
    return store_run(store, statement, err);
}

/* Steps are how, not who: they would only slow down a swap. */
static bool store_history_audited(const struct store_history_line *line) {
    return strcmp(line->event, "step") != 0;
}

bool store_history_add(struct store *store, const struct store_history_line *line,
                       struct err *err) {
    if (!store_history_row(store, line, err)) {
        return false;
    }
    if (!store_history_audited(line)) {
        return true;
    }
    char id[ID_TEXT_SIZE];
    char detail[STORE_AUDIT_DETAIL_SIZE];
    const char *say = line->about ? line->about : line->detail;
    (void)snprintf(detail, sizeof detail, "%s%s%s", line->stage, say && *say ? ": " : "",
                   say ? say : "");
    struct store_audit_entry entry = {.at_ms = line->at_ms,
                                      .actor = line->actor,
                                      .subject = id_text("upd", line->subject, id),
                                      .event = line->event,
                                      .detail = detail};
    return store_audit_add(store, &entry, err);
}

json_t *store_history(struct store *store, int64_t subject) {
    json_t *list = json_array();
    sqlite3_stmt *statement = store_statement(store, STORE_SQL_HISTORY);
    if (!list || !statement) {
        return list;
    }
    (void)sqlite3_bind_int64(statement, 1, subject);
    while (sqlite3_step(statement) == SQLITE_ROW) {
        json_t *line = json_object();
        static const char *const members[] = {"at", "stage", "event", "detail"};
        (void)json_object_set_new(line, members[0],
                                  json_time_or_null(sqlite3_column_int64(statement, 0)));
        /* A detail may hold what a container said, or be cut in the middle of a character. */
        for (int i = 1; i < (int)ARRAY_LENGTH(members); i++) {
            const char *text = (const char *)sqlite3_column_text(statement, i);
            (void)json_object_set_new(line, members[i], json_text_or_null(text));
        }
        (void)json_array_append_new(list, line);
    }
    (void)sqlite3_reset(statement);
    return list;
}

/* ---- rejected digests ---- */

bool store_rejected(struct store *store, const char *target, const char *digest,
                    int64_t *out_update) {
    sqlite3_stmt *statement = store_statement(store, STORE_SQL_REJECTED);
    if (!statement) {
        return false;
    }
    store_bind_text(statement, 1, target);
    store_bind_text(statement, 2, digest);
    bool found = sqlite3_step(statement) == SQLITE_ROW;
    if (found) {
        *out_update = sqlite3_column_int64(statement, 0);
    }
    (void)sqlite3_reset(statement);
    return found;
}

bool store_reject(struct store *store, const struct update *update, struct err *err) {
    sqlite3_stmt *statement = store_statement(store, STORE_SQL_REJECT);
    if (statement) {
        store_bind_text(statement, 1, update->target);
        store_bind_text(statement, 2, update->to);
        (void)sqlite3_bind_int64(statement, 3, update->id);
        (void)sqlite3_bind_int64(statement, 4, clock_now_ms());
    }
    return store_run(store, statement, err);
}

bool store_unreject(struct store *store, const char *target, const char *digest, struct err *err) {
    sqlite3_stmt *statement = store_statement(store, STORE_SQL_UNREJECT);
    if (statement) {
        store_bind_text(statement, 1, target);
        store_bind_text(statement, 2, digest);
    }
    return store_run(store, statement, err);
}

/* ---- pruning ---- */

static bool store_prune_batch(struct store *store, int64_t before_ms) {
    static const enum store_statement order[] = {
        STORE_SQL_PRUNE_HISTORY, STORE_SQL_PRUNE_UPDATES,    STORE_SQL_PRUNE_PUSHES,
        STORE_SQL_PRUNE_HOLDS,   STORE_SQL_PRUNE_AUDIT_BASE, STORE_SQL_PRUNE_AUDIT,
        STORE_SQL_PRUNE_REJECTED};
    struct err ignored = ERR_INIT;
    if (!store_begin(store, &ignored)) {
        return false;
    }
    int deleted = sqlite3_total_changes(store->db);
    for (size_t i = 0; i < ARRAY_LENGTH(order); i++) {
        sqlite3_stmt *statement = store_statement(store, order[i]);
        if (statement && sqlite3_bind_parameter_count(statement) > 0) {
            (void)sqlite3_bind_int64(statement, 1, before_ms);
        }
        if (!store_run(store, statement, &ignored)) {
            store_rollback(store);
            return false;
        }
    }
    deleted = sqlite3_total_changes(store->db) - deleted;
    return store_commit(store, &ignored) && deleted > 0;
}

void store_prune(struct store *store, int64_t before_ms) {
    for (int i = 0; i < STORE_PRUNE_BATCHES && store_prune_batch(store, before_ms); i++) {
    }
}

void store_rest(struct store *store) {
    store_keys_rest(store);
    (void)sqlite3_db_release_memory(store->db);
}
