/* Statements by names: bound values are read back, and the first failure sticks. */
#include "tests/unit/agent/fixture.h"

#include "agent/store/internal.h"

static int setup(void **state) {
    struct err err = ERR_INIT;
    if (fixture_setup(state) != 0) {
        return -1;
    }
    return store_exec(*state,
                      "CREATE TABLE fruit(id INTEGER PRIMARY KEY, name TEXT UNIQUE, seed BLOB)",
                      &err)
               ? 0
               : -1;
}

static const char insert_fruit[] = "INSERT INTO fruit(id, name, seed) VALUES(:id, :name, :seed)";
static const char select_fruit[] = "SELECT id, name, seed FROM fruit ORDER BY id";

static bool insert(struct store *store, int64_t id, const char *name, struct err *err) {
    struct query query = query_open(store, insert_fruit, err);
    query_bind_int(&query, ":id", id);
    query_bind_text(&query, ":name", name);
    return store_run(&query);
}

static int64_t count(struct store *store) {
    struct query query = query_open(store, "SELECT count(*) AS number FROM fruit", NULL);
    int64_t number = -1;
    assert_true(query_number(&query, &number));
    return number;
}

/* ---- binding and reading ---- */

static void bound_values_are_read_by_name(void **state) {
    struct err err = ERR_INIT;
    struct query query = query_open(*state, insert_fruit, &err);
    query_bind_bytes(&query, ":seed", "\0\1\2", 3); /* in any order */
    query_bind_text(&query, ":name", "quince");
    query_bind_int(&query, ":id", INT64_MAX);
    assert_true(store_run(&query));

    query = query_open(*state, select_fruit, &err);
    char name[8];
    size_t len = 0;
    assert_true(query_next(&query));
    const void *seed = query_borrow_bytes(&query, "seed", &len); /* in any order */
    assert_int_equal(len, 3);
    assert_memory_equal(seed, "\0\1\2", 3);
    query_text(&query, "name", name, sizeof name);
    assert_string_equal(name, "quince");
    assert_true(query_int(&query, "id") == INT64_MAX);
    assert_false(query_next(&query));
    assert_true(query_close(&query));
}

static void null_reads_as_nothing(void **state) {
    struct err err = ERR_INIT;
    assert_true(insert(*state, 1, NULL, &err));
    struct query query = query_open(*state, select_fruit, &err);
    char name[8] = "before";
    size_t len = 7;
    assert_true(query_next(&query));
    assert_true(query_is_null(&query, "name"));
    assert_false(query_is_null(&query, "id"));
    assert_null(query_borrow_text(&query, "name"));
    assert_null(query_borrow_bytes(&query, "seed", &len));
    assert_int_equal(len, 0);
    query_text(&query, "name", name, sizeof name);
    assert_string_equal(name, "");
    assert_true(query_close(&query));
}

static void text_is_cut_to_its_size(void **state) {
    struct err err = ERR_INIT;
    assert_true(insert(*state, 1, "pomegranate", &err));
    struct query query = query_open(*state, select_fruit, &err);
    char name[5];
    assert_true(query_next(&query));
    query_text(&query, "name", name, sizeof name);
    assert_string_equal(name, "pome");
    assert_true(query_close(&query));
}

static void only_a_whole_hash_is_a_hash(void **state) {
    unsigned char hash[DIGEST_BYTES + 1];
    struct err err = ERR_INIT;
    memset(hash, 7, sizeof hash);
    for (size_t len = DIGEST_BYTES - 1; len <= DIGEST_BYTES + 1; len++) {
        struct query query = query_open(*state, insert_fruit, &err);
        query_bind_bytes(&query, ":seed", hash, len);
        assert_true(store_run(&query));
    }
    struct query query = query_open(*state, select_fruit, &err);
    for (size_t len = DIGEST_BYTES - 1; len <= DIGEST_BYTES + 1; len++) {
        unsigned char out[DIGEST_BYTES] = {0};
        assert_true(query_next(&query));
        bool whole = len == DIGEST_BYTES;
        assert_int_equal(query_sha256(&query, "seed", out), whole);
        assert_int_equal(out[0], whole ? 7 : 0);
        assert_int_equal(out[DIGEST_BYTES - 1], whole ? 7 : 0);
    }
    assert_true(query_close(&query));
}

/* ---- the cache ---- */

static size_t statements(struct store *store) {
    size_t found = 0;
    for (sqlite3_stmt *at = sqlite3_next_stmt(store->db, NULL); at;
         at = sqlite3_next_stmt(store->db, at)) {
        found++;
    }
    return found;
}

static void a_statement_is_prepared_once(void **state) {
    struct err err = ERR_INIT;
    assert_true(insert(*state, 1, "apple", &err));
    size_t before = statements(*state);
    for (int i = 2; i < 10; i++) {
        assert_true(insert(*state, i, NULL, &err));
    }
    assert_int_equal(statements(*state), before);
    assert_int_equal(count(*state), 9);
}

static void bindings_do_not_outlive_their_run(void **state) {
    struct err err = ERR_INIT;
    assert_true(insert(*state, 1, "apple", &err));
    struct query query = query_open(*state, insert_fruit, &err);
    query_bind_int(&query, ":id", 2);
    assert_true(store_run(&query)); /* UNIQUE would refuse another apple */
    assert_int_equal(count(*state), 2);
}

static void a_full_cache_is_an_error(void **state) {
    /* One character more for each: another address, the same statement. */
    static char sql[QUERY_CACHE_SIZE + 32];
    struct store *store = *state;
    struct err err = ERR_INIT;
    memset(sql, ' ', sizeof sql - 1);
    memcpy(sql + QUERY_CACHE_SIZE, "SELECT 1 AS number", 18);
    size_t good = 0;
    for (size_t i = 0; i < QUERY_CACHE_SIZE; i++) {
        struct query query = query_open(store, sql + i, &err);
        int64_t number = 0;
        good += query_number(&query, &number) && number == 1;
    }
    assert_true(good > QUERY_CACHE_SIZE / 2);
    struct query query = query_open(store, sql + QUERY_CACHE_SIZE, &err);
    assert_false(query_close(&query));
    assert_int_equal(err.kind, ERR_BUG);
    assert_non_null(strstr(err.message, "full"));
    query_cache_clear(&store->statements);
    assert_int_equal(statements(store), 0);
    assert_int_equal(count(store), 0);
}

/* ---- failures ---- */

static void a_fault_in_the_sql_sticks(void **state) {
    struct err err = ERR_INIT;
    struct query query = query_open(*state, "SELECT taste FROM fruit WHERE id = :id", &err);
    query_bind_int(&query, ":id", 1);
    assert_false(query_next(&query));
    assert_true(query_int(&query, "taste") == 0);
    assert_false(query_close(&query));
    assert_int_equal(err.kind, ERR_BUG);
    assert_non_null(strstr(err.message, "no such column: taste"));
}

static void an_unknown_parameter_keeps_the_statement_from_running(void **state) {
    struct err err = ERR_INIT;
    struct query query = query_open(*state, insert_fruit, &err);
    query_bind_text(&query, ":nmae", "apple");
    query_bind_text(&query, ":taste", "sour"); /* reports the first failure */
    query_bind_int(&query, ":id", 1);
    assert_false(store_run(&query));
    assert_int_equal(err.kind, ERR_BUG);
    assert_non_null(strstr(err.message, ":nmae"));
    assert_int_equal(count(*state), 0);
}

static void an_unknown_column_ends_the_rows(void **state) {
    struct err err = ERR_INIT;
    assert_true(insert(*state, 1, "apple", &err) && insert(*state, 2, "pear", &err));
    struct query query = query_open(*state, select_fruit, &err);
    assert_true(query_next(&query));
    assert_null(query_borrow_text(&query, "nmae"));
    assert_null(query_borrow_text(&query, "name"));
    assert_false(query_next(&query));
    assert_false(query_close(&query));
    assert_int_equal(err.kind, ERR_BUG);
    assert_non_null(strstr(err.message, "nmae"));
}

static void a_refused_write_is_told(void **state) {
    struct err err = ERR_INIT;
    assert_true(insert(*state, 1, "apple", &err));
    assert_false(insert(*state, 2, "apple", &err));
    assert_non_null(strstr(err.message, "write: UNIQUE constraint failed"));
    assert_true(insert(*state, 2, "pear", &err)); /* and the statement is as good as before */
}

static void a_fault_of_the_caller_ends_the_rows(void **state) {
    struct err err = ERR_INIT;
    assert_true(insert(*state, 1, "apple", &err) && insert(*state, 2, "pear", &err));
    struct query query = query_open(*state, select_fruit, &err);
    assert_true(query_next(&query));
    query_fail(&query);
    assert_false(query_next(&query));
    assert_false(query_close(&query));
}

static void no_row_is_no_number(void **state) {
    struct err err = ERR_INIT;
    struct query query = query_open(*state, "SELECT id AS number FROM fruit", &err);
    int64_t number = 42;
    assert_false(query_number(&query, &number));
    assert_true(number == 42);
    assert_int_equal(err.kind, ERR_NONE);
}

static void kinds_of_errors_tell_whether_to_try_again(void **state) {
    struct store *store = *state;
    struct err err = ERR_INIT;
    struct store *other = fixture_open();
    assert_true(store_begin(other, &err));
    (void)sqlite3_busy_timeout(store->db, 0);
    assert_false(insert(store, 1, "apple", &err));
    assert_int_equal(err.kind, ERR_TRANSIENT);
    store_rollback(other);
    store_free(other);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(bound_values_are_read_by_name),
        TEST(null_reads_as_nothing),
        TEST(text_is_cut_to_its_size),
        TEST(only_a_whole_hash_is_a_hash),
        TEST(a_statement_is_prepared_once),
        TEST(bindings_do_not_outlive_their_run),
        TEST(a_full_cache_is_an_error),
        TEST(a_fault_in_the_sql_sticks),
        TEST(an_unknown_parameter_keeps_the_statement_from_running),
        TEST(an_unknown_column_ends_the_rows),
        TEST(a_refused_write_is_told),
        TEST(a_fault_of_the_caller_ends_the_rows),
        TEST(no_row_is_no_number),
        TEST(kinds_of_errors_tell_whether_to_try_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
