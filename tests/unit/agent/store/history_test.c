/* The history of updates: in order, readable, and bounded. */
#include "agent/store/internal.h"
#include "base/json.h"
#include "tests/unit/agent/fixture.h"

static void add_line(struct store *store, int64_t subject, const char *detail) {
    struct store_history_line line = {.subject = subject,
                                      .at_ms = fixture_now_ms,
                                      .stage = "gate",
                                      .event = "wait",
                                      .detail = detail};
    struct err err = ERR_INIT;
    assert_true(store_history_add(store, &line, &err));
}

static void history_is_in_order(void **state) {
    add_line(*state, 7, "one");
    fixture_now_ms += 1000;
    add_line(*state, 8, "another's");
    add_line(*state, 7, NULL);
    CLEANUP(json_release) json_t *history = store_history(*state, 7);
    CLEANUP(json_release)
    json_t *expected =
        json_pack("[{ssssssss}{ssssssss}]", "at", "2026-11-20T12:00:00.123Z", "stage", "gate",
                  "event", "wait", "detail", "one", "at", "2026-11-20T12:00:01.123Z", "stage",
                  "gate", "event", "wait", "detail", "");
    assert_true(json_equal(history, expected));
    CLEANUP(json_release) json_t *none = store_history(*state, 9);
    assert_int_equal(json_array_size(none), 0);
}

static void history_keeps_lines_with_foreign_bytes(void **state) {
    add_line(*state, 7, "exited: \xff\xfe caf\xc3");
    CLEANUP(json_release) json_t *history = store_history(*state, 7);
    assert_int_equal(json_array_size(history), 1);
    assert_string_equal(json_text(json_array_get(history, 0), "detail"),
                        "exited: \xEF\xBF\xBD\xEF\xBF\xBD caf\xEF\xBF\xBD");
}

static void history_shows_the_newest(void **state) {
    struct err err = ERR_INIT;
    assert_true(store_begin(*state, &err));
    for (int i = 0; i < 1500; i++) {
        char detail[16];
        (void)snprintf(detail, sizeof detail, "%d", i);
        add_line(*state, 7, detail);
    }
    assert_true(store_commit(*state, &err));
    CLEANUP(json_release) json_t *history = store_history(*state, 7);
    assert_int_equal(json_array_size(history), 1000);
    assert_string_equal(json_text(json_array_get(history, 0), "detail"), "500");
    assert_string_equal(json_text(json_array_get(history, 999), "detail"), "1499");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(history_is_in_order),
        TEST(history_keeps_lines_with_foreign_bytes),
        TEST(history_shows_the_newest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
