/* The index, an SQLite database in memory: owns its tables. Reads only names and images of a
 * sighting. */
#include "agent/platforms/kubernetes/index.h"

#include <pthread.h>
#include <sqlite3.h>
#include <string.h>

#include "agent/platforms/kubernetes/workload.h"
#include "base/json.h"

#define INDEX_SIGHTING_MAX ((size_t)1024 * 1024) /* more than kept.c leaves of an object */

enum index_sql {
    INDEX_FIND,
    INDEX_PUT,
    INDEX_SEEN,
    INDEX_FORGET,
    INDEX_ADD,
    INDEX_REMOVE,
    INDEX_BEGIN,
    INDEX_OUTDATED,
    INDEX_OUTDATED_CONTAINERS,
    INDEX_OF_REPOSITORY,
    INDEX_ALL,
    INDEX_FAULTS,
    INDEX_RUNNING,
    INDEX_RUNNING_NOTE,
    INDEX_RUNNING_FORGET,
    INDEX_COUNT,
    INDEX_SQL_COUNT,
};

static const char *const index_texts[INDEX_SQL_COUNT] = {
    [INDEX_FIND] = "SELECT id, sighting FROM objects WHERE key = ?1",
    [INDEX_PUT] =
        "INSERT INTO objects (key, stream, pass, sighting, faulty) VALUES (?1, ?2, ?3, ?4, ?5) "
        "ON CONFLICT (key) DO UPDATE SET stream = ?2, pass = ?3, sighting = ?4, faulty = ?5 "
        "RETURNING id",
    [INDEX_SEEN] = "UPDATE objects SET pass = ?2 WHERE id = ?1",
    [INDEX_FORGET] = "DELETE FROM containers WHERE object = ?1",
    [INDEX_ADD] = "INSERT INTO containers (object, place, repository) VALUES (?1, ?2, ?3)",
    [INDEX_REMOVE] = "DELETE FROM objects WHERE id = ?1",
    [INDEX_BEGIN] = "INSERT OR REPLACE INTO streams (stream, pass) VALUES (?1, ?2)",
    [INDEX_OUTDATED_CONTAINERS] =
        "DELETE FROM containers WHERE object IN (SELECT id FROM objects WHERE stream = ?1 "
        "AND pass < (SELECT pass FROM streams WHERE stream = ?1))",
    [INDEX_OUTDATED] = "DELETE FROM objects WHERE stream = ?1 "
                       "AND pass < (SELECT pass FROM streams WHERE stream = ?1)",
    [INDEX_OF_REPOSITORY] =
        "SELECT sighting, place FROM containers JOIN objects ON objects.id = object "
        "WHERE repository = ?1 ORDER BY key, place",
    [INDEX_ALL] = "SELECT sighting, place FROM containers JOIN objects ON objects.id = object "
                  "ORDER BY key, place",
    [INDEX_FAULTS] = "SELECT sighting, 0 FROM objects WHERE faulty ORDER BY key",
    [INDEX_RUNNING] = "SELECT digest FROM running WHERE key = ?1 AND container = ?2 AND at > ?3",
    [INDEX_RUNNING_NOTE] =
        "INSERT OR REPLACE INTO running (key, container, at, digest) VALUES (?1, ?2, ?3, ?4)",
    [INDEX_RUNNING_FORGET] = "DELETE FROM running WHERE key = ?1",
    [INDEX_COUNT] = "SELECT count(*) FROM objects",
};

static const char index_schema[] =
    "CREATE TABLE objects (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, stream INTEGER NOT "
    "NULL, "
    "  pass INTEGER NOT NULL, sighting TEXT NOT NULL, faulty INTEGER NOT NULL);"
    "CREATE TABLE streams (stream INTEGER PRIMARY KEY, pass INTEGER NOT NULL);"
    "CREATE TABLE containers (object INTEGER NOT NULL, place INTEGER NOT NULL, repository TEXT NOT "
    "NULL, "
    "  PRIMARY KEY (object, place)) WITHOUT ROWID;"
    "CREATE TABLE running (key TEXT NOT NULL, container TEXT NOT NULL, at INTEGER NOT NULL, digest "
    "TEXT NOT NULL, "
    "  PRIMARY KEY (key, container)) WITHOUT ROWID;"
    "CREATE INDEX containers_repository ON containers (repository);";

struct index {
    pthread_mutex_t mutex;
    sqlite3 *db;
    sqlite3_stmt *statements[INDEX_SQL_COUNT];
    int64_t pass; /* grows with each list */
};

void index_free(struct index *index) {
    if (!index) {
        return;
    }
    for (size_t i = 0; i < INDEX_SQL_COUNT; i++) {
        (void)sqlite3_finalize(index->statements[i]);
    }
    (void)sqlite3_close(index->db);
    (void)pthread_mutex_destroy(&index->mutex);
    free(index);
}

bool index_new(struct index **out, struct err *err) {
    struct index *index = calloc(1, sizeof *index);
    if (!index) {
        return err_set(err, ERR_BUG, "out of memory");
    }
    (void)pthread_mutex_init(&index->mutex, NULL);
    bool good = sqlite3_open_v2(":memory:", &index->db,
                                SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                                NULL) == SQLITE_OK &&
                sqlite3_exec(index->db, index_schema, NULL, NULL, NULL) == SQLITE_OK;
    for (size_t i = 0; good && i < INDEX_SQL_COUNT; i++) {
        good = sqlite3_prepare_v3(index->db, index_texts[i], -1, SQLITE_PREPARE_PERSISTENT,
                                  &index->statements[i], NULL) == SQLITE_OK;
    }
    if (!good) {
        (void)err_set(err, ERR_BUG, "the index of workloads cannot be made: %s",
                      index->db ? sqlite3_errmsg(index->db) : "out of memory");
        index_free(index);
        return false;
    }
    *out = index;
    return true;
}

/* ---- statements: with the mutex held ---- */

static sqlite3_stmt *index_statement(struct index *index, enum index_sql which) {
    sqlite3_stmt *statement = index->statements[which];
    (void)sqlite3_reset(statement);
    (void)sqlite3_clear_bindings(statement);
    return statement;
}

static void bind_text(sqlite3_stmt *statement, int at, const char *text) {
    (void)sqlite3_bind_text(statement, at, text, -1, SQLITE_TRANSIENT);
}

static void run_of(struct index *index, enum index_sql which, int64_t first, int64_t second) {
    sqlite3_stmt *statement = index_statement(index, which);
    (void)sqlite3_bind_int64(statement, 1, first);
    if (sqlite3_bind_parameter_count(statement) > 1) {
        (void)sqlite3_bind_int64(statement, 2, second);
    }
    (void)sqlite3_step(statement);
    (void)sqlite3_reset(statement);
}

/* The object's id, and whether it is unchanged; 0: not found. */
static int64_t find_object(struct index *index, const char *key, const char *sighting, bool *same) {
    sqlite3_stmt *statement = index_statement(index, INDEX_FIND);
    int64_t id = 0;
    bind_text(statement, 1, key);
    *same = false;
    if (sqlite3_step(statement) == SQLITE_ROW) {
        const char *before = (const char *)sqlite3_column_text(statement, 1);
        id = sqlite3_column_int64(statement, 0);
        *same = sighting && before && strcmp(before, sighting) == 0;
    }
    (void)sqlite3_reset(statement);
    return id;
}

struct placing {
    const char *key, *sighting;
    int stream;
    bool faulty;
};

static int64_t put_object(struct index *index, const struct placing *placing) {
    sqlite3_stmt *statement = index_statement(index, INDEX_PUT);
    int64_t id = 0;
    bind_text(statement, 1, placing->key);
    (void)sqlite3_bind_int(statement, 2, placing->stream);
    (void)sqlite3_bind_int64(statement, 3, index->pass);
    bind_text(statement, 4, placing->sighting);
    (void)sqlite3_bind_int(statement, 5, placing->faulty);
    if (sqlite3_step(statement) == SQLITE_ROW) {
        id = sqlite3_column_int64(statement, 0);
    }
    (void)sqlite3_step(statement); /* to the end, which completes the statement */
    (void)sqlite3_reset(statement);
    return id;
}

static void put_containers(struct index *index, int64_t object, const json_t *sighting) {
    size_t i = 0;
    json_t *entry = NULL;
    run_of(index, INDEX_FORGET, object, 0);
    json_array_foreach(json_array_member(sighting, "containers"), i, entry) {
        const char *image = json_string_value(json_array_get(entry, 1));
        char name[REF_NAME_SIZE] = "";
        struct ref ref;
        if (image && ref_parse(image, &ref, NULL)) {
            (void)ref_name(&ref, name);
        }
        /* Lists an image without a usable name too, with its problem. */
        sqlite3_stmt *statement = index_statement(index, INDEX_ADD);
        (void)sqlite3_bind_int64(statement, 1, object);
        (void)sqlite3_bind_int64(statement, 2, (int64_t)i);
        bind_text(statement, 3, name);
        (void)sqlite3_step(statement);
        (void)sqlite3_reset(statement);
    }
}

static void forget_running(struct index *index, const char *key) {
    sqlite3_stmt *statement = index_statement(index, INDEX_RUNNING_FORGET);
    bind_text(statement, 1, key);
    (void)sqlite3_step(statement);
    (void)sqlite3_reset(statement);
}

/* ---- from the watches ---- */

void index_begin(struct index *index, int stream) {
    (void)pthread_mutex_lock(&index->mutex);
    run_of(index, INDEX_BEGIN, stream, ++index->pass);
    (void)pthread_mutex_unlock(&index->mutex);
}

void index_end(struct index *index, int stream) {
    (void)pthread_mutex_lock(&index->mutex);
    run_of(index, INDEX_OUTDATED_CONTAINERS, stream, 0);
    run_of(index, INDEX_OUTDATED, stream, 0);
    (void)pthread_mutex_unlock(&index->mutex);
}

void index_put(struct index *index, int stream, const json_t *sighting) {
    CLEANUP(buf_release) struct buf text = BUF_INIT(INDEX_SIGHTING_MAX);
    char key[WORKLOAD_KEY_SIZE];
    bool same = false;
    json_write(sighting, &text);
    (void)snprintf(key, sizeof key, "%s/%s/%s", json_text(sighting, "namespace"),
                   json_text(sighting, "kind"), json_text(sighting, "name"));
    if (text.overflow) {
        index_remove(index, key); /* unknown is better than wrong */
        return;
    }
    (void)pthread_mutex_lock(&index->mutex);
    int64_t id = find_object(index, key, buf_text(&text), &same);
    if (same) {
        run_of(index, INDEX_SEEN, id, index->pass);
    } else {
        forget_running(index, key);
        const struct placing placing = {.key = key,
                                        .sighting = buf_text(&text),
                                        .stream = stream,
                                        .faulty = json_text(sighting, "fault") != NULL};
        id = put_object(index, &placing);
        put_containers(index, id, sighting);
    }
    (void)pthread_mutex_unlock(&index->mutex);
}

void index_remove(struct index *index, const char *key) {
    bool same = false;
    (void)pthread_mutex_lock(&index->mutex);
    int64_t id = find_object(index, key, NULL, &same);
    forget_running(index, key);
    run_of(index, INDEX_FORGET, id, 0);
    run_of(index, INDEX_REMOVE, id, 0);
    (void)pthread_mutex_unlock(&index->mutex);
}

/* ---- for the workers ---- */

static json_t *column_json(sqlite3_stmt *statement, int at) {
    const char *text = (const char *)sqlite3_column_text(statement, at);
    json_t *json = NULL;
    return text && json_parse(text, strlen(text), &json, NULL) ? json : NULL;
}

/* Calls each for the rows of a bound statement; with the mutex held. */
static bool visit_rows(struct index *index, sqlite3_stmt *statement,
                       const struct index_visit *visit, struct err *err) {
    bool good = true;
    int step = SQLITE_ROW;
    while (good && (step = sqlite3_step(statement)) == SQLITE_ROW) {
        CLEANUP(json_release) json_t *sighting = column_json(statement, 0);
        /* One that cannot be read back must not hide the others. */
        good = !sighting || visit->each(visit->context, sighting,
                                        (size_t)sqlite3_column_int64(statement, 1), err);
    }
    (void)sqlite3_reset(statement);
    if (good && step != SQLITE_DONE) {
        good = err_set(err, ERR_BUG, "the index of workloads cannot be read: %s",
                       sqlite3_errmsg(index->db));
    }
    return good;
}

bool index_visit(struct index *index, const struct ref *repository, const struct index_visit *visit,
                 struct err *err) {
    char name[REF_NAME_SIZE];
    (void)pthread_mutex_lock(&index->mutex);
    sqlite3_stmt *statement = index_statement(index, repository ? INDEX_OF_REPOSITORY : INDEX_ALL);
    if (repository) {
        bind_text(statement, 1, ref_name(repository, name));
    }
    bool good = visit_rows(index, statement, visit, err);
    (void)pthread_mutex_unlock(&index->mutex);
    return good;
}

bool index_faults(struct index *index, const struct index_visit *visit, struct err *err) {
    (void)pthread_mutex_lock(&index->mutex);
    bool good = visit_rows(index, index_statement(index, INDEX_FAULTS), visit, err);
    (void)pthread_mutex_unlock(&index->mutex);
    return good;
}

json_t *index_find(struct index *index, const char *key) {
    (void)pthread_mutex_lock(&index->mutex);
    sqlite3_stmt *statement = index_statement(index, INDEX_FIND);
    bind_text(statement, 1, key);
    json_t *found = sqlite3_step(statement) == SQLITE_ROW ? column_json(statement, 1) : NULL;
    (void)sqlite3_reset(statement);
    (void)pthread_mutex_unlock(&index->mutex);
    return found;
}

bool index_running(struct index *index, const struct index_running *which,
                   char out[DIGEST_TEXT_SIZE]) {
    (void)pthread_mutex_lock(&index->mutex);
    sqlite3_stmt *statement = index_statement(index, INDEX_RUNNING);
    bind_text(statement, 1, which->key);
    bind_text(statement, 2, which->container);
    (void)sqlite3_bind_int64(statement, 3, which->now_ms - INDEX_RUNNING_MS);
    bool known = sqlite3_step(statement) == SQLITE_ROW;
    if (known) {
        (void)snprintf(out, DIGEST_TEXT_SIZE, "%s",
                       (const char *)sqlite3_column_text(statement, 0));
    }
    (void)sqlite3_reset(statement);
    (void)pthread_mutex_unlock(&index->mutex);
    return known;
}

void index_note_running(struct index *index, const struct index_running *which,
                        const char *digest) {
    (void)pthread_mutex_lock(&index->mutex);
    sqlite3_stmt *statement = index_statement(index, INDEX_RUNNING_NOTE);
    bind_text(statement, 1, which->key);
    bind_text(statement, 2, which->container);
    (void)sqlite3_bind_int64(statement, 3, which->now_ms);
    bind_text(statement, 4, digest);
    (void)sqlite3_step(statement);
    (void)sqlite3_reset(statement);
    (void)pthread_mutex_unlock(&index->mutex);
}

size_t index_count(struct index *index) {
    (void)pthread_mutex_lock(&index->mutex);
    sqlite3_stmt *statement = index_statement(index, INDEX_COUNT);
    size_t count =
        sqlite3_step(statement) == SQLITE_ROW ? (size_t)sqlite3_column_int64(statement, 0) : 0;
    (void)sqlite3_reset(statement);
    (void)pthread_mutex_unlock(&index->mutex);
    return count;
}
