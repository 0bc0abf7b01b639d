/* Conditions: found by type in any content, and compared with those before a patch. */
#include "agent/platforms/kubernetes/condition.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/agent/reading.h"

#define OBJECT(conditions) "{\"status\": {\"conditions\": " conditions "}}"

static void finds_the_first_of_its_type(void **state) {
    (void)state;
    json_t *object = read_json(OBJECT("[7, {\"status\": \"True\"}, {\"type\": 3}, {\"type\": "
                                      "\"Ready\", \"status\": \"True\"}, {\"type\": \"Ready\", "
                                      "\"status\": \"False\"}, {\"type\": \"Old\"}]"));
    assert_true(condition_true(object, "Ready"));
    assert_false(condition_true(object, "Old"));
    assert_false(condition_true(object, "ready"));
    assert_null(condition_find(object, "Other"));
    assert_true(condition_is(condition_find(object, "Ready"), "status", "True"));
    assert_false(condition_is(NULL, "status", "True"));
    json_decref(object);
}

static void only_the_text_true_is_true(void **state) {
    (void)state;
    static const char *const no[] = {
        OBJECT("[{\"type\": \"Ready\", \"status\": true}]"),
        OBJECT("[{\"type\": \"Ready\", \"status\": \"Unknown\"}]"),
        OBJECT("[{\"type\": \"Ready\", \"status\": \"true\"}]"),
        OBJECT("{\"type\": \"Ready\", \"status\": \"True\"}"),
        OBJECT("null"),
        "{\"status\": \"Ready\"}",
        "{}",
        "[]",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(no); i++) {
        json_t *object = read_json(no[i]);
        assert_false(condition_true(object, "Ready"));
        json_decref(object);
    }
    assert_false(condition_true(NULL, "Ready"));
}

#define PROGRESSING(time, status, reason)                                                          \
    "{\"type\": \"Progressing\", \"lastUpdateTime\": \"" time "\", \"status\": \"" status          \
    "\", \"reason\": \"" reason "\"}"

static void any_difference_makes_it_new(void **state) {
    (void)state;
    static const struct {
        const char *now;
        bool anew;
    } rows[] = {
        {PROGRESSING("t1", "False", "Deadline"), false},
        {PROGRESSING("t2", "False", "Deadline"), true},
        {PROGRESSING("t1", "True", "Deadline"), true},
        {PROGRESSING("t1", "False", "Other"), true},
        {"{\"type\": \"Progressing\"}", true},
        {"{\"type\": \"Available\"}", true},
        {"{}", true},
    };
    json_t *workload = read_json(OBJECT("[" PROGRESSING("t1", "False", "Deadline") "]"));
    json_t *before = condition_said(workload);
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        json_t *now = read_json(rows[i].now);
        assert_int_equal(condition_anew(now, before), rows[i].anew);
        assert_true(condition_anew(now, NULL));
        json_decref(now);
    }
    json_decref(before);
    json_decref(workload);
}

static void what_was_said_is_bounded(void **state) {
    (void)state;
    char text[16384] = "";
    size_t len = 0;
    for (int i = 0; i < 40; i++) {
        len +=
            (size_t)snprintf(text + len, sizeof text - len,
                             "%s{\"type\": \"C%d\", \"reason\": \"%0200d\"}", i ? "," : "", i, i);
    }
    char object[16500];
    (void)snprintf(object, sizeof object, OBJECT("[%s]"), text);
    json_t *workload = read_json(object);
    json_t *said = condition_said(workload);
    assert_int_equal(json_object_size(said), 32);
    assert_non_null(json_object_get(said, "C31"));
    /* A text that was cut still equals itself. */
    assert_false(condition_anew(condition_find(workload, "C7"), said));
    json_decref(said);
    json_decref(workload);
    said = condition_said(NULL);
    assert_int_equal(json_object_size(said), 0);
    json_decref(said);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_first_of_its_type),
        cmocka_unit_test(only_the_text_true_is_true),
        cmocka_unit_test(any_difference_makes_it_new),
        cmocka_unit_test(what_was_said_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
