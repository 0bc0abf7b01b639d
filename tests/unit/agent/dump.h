/* State databases of earlier versions (tests/data/migrations), for tests that take them up. */
#ifndef LANDWAITER_TESTS_AGENT_DUMP_H
#define LANDWAITER_TESTS_AGENT_DUMP_H

#include <sqlite3.h>

#include "tests/unit/agent/fixture.h"

/* Replaces the fixture's database by a dump, and gives the raw connection, in which nothing was
 * migrated yet. The caller closes it, and opens the store. */
static inline sqlite3 *dump_restore(struct store *fixture, const char *name) {
    char path[256];
    char text[128 * 1024];
    store_free(fixture);
    assert_int_equal(unlink(fixture_path("landwaiter.db")), 0);
    (void)snprintf(path, sizeof path, TEST_DATA "/migrations/%s.sql", name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t len = fread(text, 1, sizeof text - 1, file);
    assert_true(len > 0 && len < sizeof text - 1);
    text[len] = '\0';
    (void)fclose(file);
    sqlite3 *db = NULL;
    char *message = NULL;
    assert_int_equal(sqlite3_open(fixture_path("landwaiter.db"), &db), SQLITE_OK);
    if (sqlite3_exec(db, text, NULL, NULL, &message) != SQLITE_OK) {
        fail_msg("%s: %s", name, message);
    }
    return db;
}

#endif
