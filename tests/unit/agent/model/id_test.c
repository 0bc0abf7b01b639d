/* Identifiers: they only grow, whatever the clock does, and their text is read back exactly. */
#include <pthread.h>

#include "tests/unit/agent/fixture.h"

static int set_clock(void **state) {
    (void)state;
    static const struct clock_source standing = {fixture_now, fixture_boot};
    fixture_now_ms = FIXTURE_NOON;
    clock_replace(&standing);
    return 0;
}

static int reset_clock(void **state) {
    (void)state;
    clock_replace(NULL);
    return 0;
}

static void grow_when_the_clock_is_set_back(void **state) {
    (void)state;
    int64_t last = id_next();
    static const int64_t moves[] = {0, 1, -1, -86400000, -4000000000000, 5, 4000000};
    for (size_t i = 0; i < ARRAY_LENGTH(moves); i++) {
        fixture_now_ms += moves[i];
        int64_t next = id_next();
        assert_true(next > last);
        last = next;
    }
}

static void grow_beyond_what_was_stored(void **state) {
    (void)state;
    int64_t stored = id_next() + 123456789;
    id_after(stored);
    assert_int_equal(id_next(), stored + 1);
    id_after(5);
    assert_int_equal(id_next(), stored + 2);
}

static void tell_when_they_were_made(void **state) {
    (void)state;
    fixture_now_ms = FIXTURE_NOON + 100000000;
    int64_t first = id_next();
    fixture_now_ms += 1000000000;
    int64_t second = id_next();
    assert_true(second - first > INT64_C(900000000) << 20);
}

#define THREADS 4
#define EACH 20000

static void *take_many(void *argument) {
    int64_t *ids = argument;
    for (size_t i = 0; i < EACH; i++) {
        ids[i] = id_next();
    }
    return NULL;
}

static int compare_ids(const void *left, const void *right) {
    int64_t a = *(const int64_t *)left;
    int64_t b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

static void are_unique_across_threads(void **state) {
    (void)state;
    int64_t *ids = calloc((size_t)THREADS * EACH, sizeof *ids);
    assert_non_null(ids);
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, take_many, ids + i * EACH), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        for (size_t k = 1; k < EACH; k++) {
            assert_true(ids[i * EACH + k] > ids[i * EACH + k - 1]);
        }
    }
    qsort(ids, (size_t)THREADS * EACH, sizeof *ids, compare_ids);
    for (size_t i = 1; i < (size_t)THREADS * EACH; i++) {
        assert_true(ids[i] != ids[i - 1]);
    }
    free(ids);
}

static void text_is_read_back(void **state) {
    (void)state;
    static const int64_t ids[] = {1, 31, 32, INT64_MAX, INT64_MAX - 31, INT64_C(1) << 58};
    for (size_t i = 0; i < ARRAY_LENGTH(ids); i++) {
        char text[ID_TEXT_SIZE];
        int64_t back = 0;
        assert_true(id_parse("psh", id_text("psh", ids[i], text), &back));
        assert_int_equal(back, ids[i]);
        assert_int_equal(strlen(text), 17);
    }
    char text[ID_TEXT_SIZE];
    assert_string_equal(id_text("upd", 32, text), "upd_0000000000010");
}

static void texts_sort_like_numbers(void **state) {
    (void)state;
    char before[ID_TEXT_SIZE];
    char after[ID_TEXT_SIZE];
    (void)id_text("psh", id_next(), before);
    for (int i = 0; i < 1000; i++) {
        (void)id_text("psh", id_next(), after);
        assert_true(strcmp(before, after) < 0);
        memcpy(before, after, sizeof before);
    }
}

static void other_texts_are_refused(void **state) {
    (void)state;
    static const char *const texts[] = {
        "",
        "psh",
        "psh_",
        "upd_0000000000001",
        "psh-0000000000001",
        "psh_000000000001",
        "psh_00000000000001",
        "psh_000000000000U",
        "psh_000000000000u",
        "psh_00000000000 1",
        "psh_0000000000001 ",
        "psh_8000000000000",
        "psh_zzzzzzzzzzzzz",
        "psh_g000000000000",
        "PSH_0000000000001",
        "psh_000000000000\xc3",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        int64_t id = 77;
        if (id_parse("psh", texts[i], &id)) {
            fail_msg("taken: %s", texts[i]);
        }
        assert_int_equal(id, 77);
    }
    int64_t id = 77;
    assert_false(id_parse("psh", NULL, &id));
}

/* Last: from here on this process's ids are beyond every real clock. */
static void a_clock_beyond_all_leaves_room(void **state) {
    (void)state;
    fixture_now_ms = INT64_C(200000000000000); /* the year 8307 */
    int64_t last = id_next();
    assert_true(last > 0);
    for (int i = 0; i < 100; i++) {
        int64_t next = id_next();
        assert_true(next > last);
        last = next;
    }
    assert_true(last < INT64_MAX - (INT64_C(1) << 61));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_read_back),
        cmocka_unit_test(texts_sort_like_numbers),
        cmocka_unit_test(other_texts_are_refused),
        cmocka_unit_test(grow_when_the_clock_is_set_back),
        cmocka_unit_test(tell_when_they_were_made),
        cmocka_unit_test(are_unique_across_threads),
        cmocka_unit_test(grow_beyond_what_was_stored),
        cmocka_unit_test(a_clock_beyond_all_leaves_room),
    };
    return cmocka_run_group_tests_name("id", tests, set_clock, reset_clock);
}
