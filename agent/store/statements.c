/* The statements of the store, prepared once for each connection. */
#include "agent/store/internal.h"

#include "agent/model/result.h"
#include "agent/model/stage.h"

#define STORE_PRUNE_BATCH "500"
#define STORE_PRUNE_SCAN "10000" /* rows looked at for a batch, so that no write waits long */
#define STORE_REJECTED_MAX "10000"

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

const char *const store_sql[STORE_SQL_COUNT] = {
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
