/* The base line of the intake: rows a second that SQLite makes durable on this machine, one and 64
 * to a transaction, with the same settings (WAL, synchronous=FULL). Prints JSON.
 *
 *   bench_commits DIRECTORY SECONDS */
#include <sqlite3.h>
#include <stdbool.h>
#include <unistd.h>

#include "base/own.h"

static double commits_now(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Rows a second with so many in a transaction. Negative: it failed. */
static double commits_rate(sqlite3 *db, int rows, double seconds) {
    sqlite3_stmt *insert = NULL;
    if (sqlite3_prepare_v2(db, "INSERT INTO pushes(sender, image, received) VALUES(?1, ?2, ?3)", -1,
                           &insert, NULL) != SQLITE_OK) {
        return -1;
    }
    double begin = commits_now();
    long stored = 0;
    bool good = true;
    while (good && commits_now() - begin < seconds) {
        good = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK;
        for (int i = 0; good && i < rows; i++) {
            (void)sqlite3_bind_text(insert, 1, "bench", -1, SQLITE_STATIC);
            (void)sqlite3_bind_text(insert, 2, "registry.lan/bench/app:1", -1, SQLITE_STATIC);
            (void)sqlite3_bind_int64(insert, 3, stored++);
            good = sqlite3_step(insert) == SQLITE_DONE && sqlite3_reset(insert) == SQLITE_OK;
        }
        good = good && sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK;
    }
    (void)sqlite3_finalize(insert);
    return good ? (double)stored / (commits_now() - begin) : -1;
}

int main(int argc, char **argv) {
    if (argc != 3) {
        (void)fprintf(stderr, "usage: %s DIRECTORY SECONDS\n", argv[0]);
        return 2;
    }
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/bench.db", argv[1]);
    sqlite3 *db = NULL;
    if (sqlite3_open(path, &db) != SQLITE_OK ||
        sqlite3_exec(db,
                     "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                     "CREATE TABLE pushes(id INTEGER PRIMARY KEY, sender TEXT, image TEXT, "
                     "received INTEGER);",
                     NULL, NULL, NULL) != SQLITE_OK) {
        (void)fprintf(stderr, "%s: %s\n", path, sqlite3_errmsg(db));
        return 1;
    }
    double seconds = strtod(argv[2], NULL);
    double one = commits_rate(db, 1, seconds);
    double many = commits_rate(db, 64, seconds);
    (void)sqlite3_close(db);
    (void)unlink(path);
    (void)printf("{\"rows_per_second_1\": %.0f, \"rows_per_second_64\": %.0f}\n", one, many);
    return one > 0 && many > 0 ? 0 : 1;
}
