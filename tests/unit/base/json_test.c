/* base/json: refused hostile documents, and values of valid ones. */
#include "base/json.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static json_t *parsed(const char *text) {
    struct err err = ERR_INIT;
    json_t *json = NULL;
    if (!json_parse(text, strlen(text), &json, &err)) {
        fail_msg("%s", err.message);
    }
    return json;
}

static void refused(const char *bytes, size_t len, const char *says) {
    struct err err = ERR_INIT;
    json_t *json = NULL;
    assert_false(json_parse(bytes, len, &json, &err));
    assert_null(json);
    assert_int_equal(err.kind, ERR_INVALID);
    if (!strstr(err.message, says)) {
        fail_msg("\"%s\" does not say \"%s\"", err.message, says);
    }
}

#define REFUSED(literal, says) refused(literal, sizeof(literal) - 1, says)

static void hostile_documents_are_refused(void **state) {
    (void)state;
    REFUSED("", "empty");
    refused(NULL, 0, "empty");
    REFUSED("  ", "ends too early");
    REFUSED("{\"a\":1,\"a\":2}", "duplicate member");
    REFUSED("{\"a\":1,\"\\u0061\":2}", "duplicate member");
    REFUSED("{\"a\":1} {}", "something follows");
    REFUSED("{\"a\":1}\0", "something follows");
    REFUSED("[\"\xff\"]", "not valid UTF-8");
    REFUSED("\xEF\xBB\xBF{}", "JSON:");
    REFUSED("[\"\\ud800\"]", "JSON:");
    REFUSED("[\"\\u0000\"]", "zero character");
    REFUSED("{\"a\\u0000\":1}", "zero character");
    REFUSED("[99999999999999999999]", "number out of range");
    REFUSED("[1e999]", "number out of range");
    REFUSED("[NaN]", "syntax error");
    REFUSED("null", "syntax error");
    REFUSED("{\"a\":", "ends too early");
    REFUSED("[1,]", "syntax error");
}

static void an_error_has_the_place_and_not_the_input(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    json_t *json = NULL;
    static const char text[] = "{\n  \"a\": hunter2\n}";
    assert_false(json_parse(text, strlen(text), &json, &err));
    assert_non_null(strstr(err.message, "line 2"));
    assert_null(strstr(err.message, "hunter2"));
    assert_false(json_parse(text, strlen(text), &json, NULL));
}

static void nested(char *out, size_t depth) {
    memset(out, '[', depth);
    memset(out + depth, ']', depth);
    out[2 * depth] = '\0';
}

static void depth_is_bounded(void **state) {
    (void)state;
    char text[4096];
    nested(text, JSON_DEPTH_MAX);
    CLEANUP(json_release) json_t *good = parsed(text);
    assert_int_equal(json_array_size(good), 1);
    nested(text, JSON_DEPTH_MAX + 1);
    refused(text, strlen(text), "more than 32 levels");
    CLEANUP(json_release) json_t *deep = NULL;
    assert_true(json_parse_deep(text, strlen(text), 64, &deep, NULL));
    /* Two thousand open brackets, and nothing else. */
    memset(text, '{', 2000);
    refused(text, 2000, "levels");
}

static void brackets_in_strings_do_not_count(void **state) {
    (void)state;
    CLEANUP(json_release)
    json_t *json = parsed("[\"\\\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\", \"\\\\\"]");
    assert_int_equal(json_array_size(json), 2);
    CLEANUP(json_release)
    json_t *wide = parsed("[[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],"
                          "[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[]]");
    assert_int_equal(json_array_size(wide), 40);
}

static void members_are_typed(void **state) {
    (void)state;
    CLEANUP(json_release)
    json_t *json =
        parsed("{\"t\":\"x\",\"i\":-9223372036854775808,\"b\":true,\"f\":false,\"n\":null,"
               "\"o\":{\"p\":{\"q\":\"deep\"}},\"a\":[1],\"r\":1.5}");
    assert_string_equal(json_text(json, "t"), "x");
    assert_null(json_text(json, "i"));
    assert_null(json_text(json, "absent"));
    assert_true(json_int(json, "i", 7) == INT64_MIN);
    assert_int_equal(json_int(json, "r", 7), 7);
    assert_int_equal(json_int(json, "t", 7), 7);
    assert_true(json_bool(json, "b", false));
    assert_false(json_bool(json, "f", true));
    assert_true(json_bool(json, "t", true));
    assert_null(json_member(json, "n"));
    assert_non_null(json_member(json, "r"));
    assert_non_null(json_object_member(json, "o"));
    assert_null(json_object_member(json, "a"));
    assert_non_null(json_array_member(json, "a"));
    assert_null(json_array_member(json, "o"));
    assert_string_equal(json_text_at(json, (const char *[]){"o", "p", "q", NULL}), "deep");
    assert_null(json_text_at(json, (const char *[]){"o", "t", "q", NULL}));
}

static void nothing_has_no_members(void **state) {
    (void)state;
    CLEANUP(json_release) json_t *list = parsed("[1]");
    const json_t *nothings[] = {NULL, list};
    for (size_t i = 0; i < ARRAY_LENGTH(nothings); i++) {
        assert_null(json_text(nothings[i], "a"));
        assert_int_equal(json_int(nothings[i], "a", 3), 3);
        assert_true(json_bool(nothings[i], "a", true));
        assert_null(json_member(nothings[i], "a"));
        assert_null(json_object_member(nothings[i], "a"));
        assert_null(json_array_member(nothings[i], "a"));
        assert_null(json_text_at(nothings[i], (const char *[]){"a", NULL}));
    }
    json_t *empty = NULL;
    json_release(&empty);
}

static void writing_keeps_order_and_is_compact(void **state) {
    (void)state;
    CLEANUP(json_release)
    json_t *json = parsed("{ \"z\" : 1, \"a\" : [ 9007199254740993, \"\\u00e9\" ] }");
    CLEANUP(buf_release) struct buf out = BUF_INIT(1024);
    json_write(json, &out);
    assert_string_equal(buf_text(&out), "{\"z\":1,\"a\":[9007199254740993,\"\xC3\xA9\"]}");
}

static void half_a_document_is_an_overflow(void **state) {
    (void)state;
    CLEANUP(json_release) json_t *json = parsed("{\"a\":\"0123456789\"}");
    CLEANUP(buf_release) struct buf out = BUF_INIT(10);
    json_write(json, &out);
    assert_true(out.overflow);
    CLEANUP(buf_release) struct buf none = BUF_INIT(10);
    json_write(NULL, &none);
    assert_true(none.overflow);
}

static void text_becomes_valid(void **state) {
    (void)state;
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"plain \xC3\xA9 \xF0\x9F\x98\x80", "plain \xC3\xA9 \xF0\x9F\x98\x80"},
        {"a\xff"
         "b",
         "a\xEF\xBF\xBD"
         "b"},
        {"\xC3", "\xEF\xBF\xBD"},
        {"\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
        {"\xC0\xAF!", "\xEF\xBF\xBD\xEF\xBF\xBD!"},
        {"\xF4\x90\x80\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
        {"\xC3\xA9\xE2\x82", "\xC3\xA9\xEF\xBF\xBD\xEF\xBF\xBD"},
        {"", ""},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        CLEANUP(json_release) json_t *json = json_text_or_null(rows[i].in);
        assert_non_null(json);
        assert_string_equal(json_string_value(json), rows[i].out);
    }
    CLEANUP(json_release) json_t *null = json_text_or_null(NULL);
    assert_true(json_is_null(null));
}

static void times(void **state) {
    (void)state;
    CLEANUP(json_release) json_t *null = json_time_or_null(0);
    assert_true(json_is_null(null));
    CLEANUP(json_release) json_t *time = json_time_or_null(1795176000123);
    assert_string_equal(json_string_value(time), "2026-11-20T12:00:00.123Z");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hostile_documents_are_refused),
        cmocka_unit_test(an_error_has_the_place_and_not_the_input),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(brackets_in_strings_do_not_count),
        cmocka_unit_test(members_are_typed),
        cmocka_unit_test(nothing_has_no_members),
        cmocka_unit_test(writing_keeps_order_and_is_compact),
        cmocka_unit_test(half_a_document_is_an_overflow),
        cmocka_unit_test(text_becomes_valid),
        cmocka_unit_test(times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
