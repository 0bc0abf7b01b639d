/* The sieve: keeps the named members only, one element at a time, and a fault stays in its
 * element. */
#include "base/json_sieve.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/json.h"

static const struct json_sieve_part labels[] = {{"*", NULL, 0, false}, {NULL, NULL, 0, false}};
static const struct json_sieve_part container[] = {{"name", NULL, 0, false},
                                                   {"image", NULL, 0, false},
                                                   {"probe", json_sieve_nothing, 0, false},
                                                   {NULL, NULL, 0, false}};
static const struct json_sieve_part element[] = {
    {"name", NULL, 0, false},       {"our/*", NULL, 0, false},
    {"labels", labels, 256, false}, {"containers", container, 0, false},
    {"values", NULL, 128, false},   {NULL, NULL, 0, false}};
static const struct json_sieve_part list[] = {
    {"version", NULL, 0, false}, {"items", element, 0, true}, {NULL, NULL, 0, false}};
static const struct json_sieve_part whole_list[] = {{"items", NULL, 0, true},
                                                    {NULL, NULL, 0, false}};
static const struct json_sieve_part root_list = {NULL, list, 0, false};
static const struct json_sieve_part root_whole_list = {NULL, whole_list, 0, false};
static const struct json_sieve_part root_items = {NULL, element, 0, true};
static const struct json_sieve_part root_element = {NULL, element, 0, false};
static const struct json_sieve_part root_whole = {NULL, NULL, 0, false};

static char told[65536]; /* the items and faults, a line each */

static void tell(void *context, json_t *item, const struct err *fault) {
    CLEANUP(buf_release) struct buf text = BUF_INIT(32768);
    (void)context;
    if (item) {
        json_write(item, &text);
    }
    size_t len = strlen(told);
    (void)snprintf(told + len, sizeof told - len, "%s%s%s\n", item ? buf_text(&text) : "unreadable",
                   fault ? " !" : "", fault ? fault->message : "");
}

/* Feeds the text in pieces of each of some sizes: the outcome must be the same. Returns the rest of
 * the document; NULL: refused. */
static json_t *sieved(const struct json_sieve_part *root, const char *text, size_t len) {
    static const size_t pieces[] = {1, 3, 64, 1 << 20};
    CLEANUP(json_release) json_t *first = NULL;
    char first_told[sizeof told] = "";
    for (size_t p = 0; p < ARRAY_LENGTH(pieces); p++) {
        CLEANUP(json_sieve_release) struct json_sieve sieve;
        CLEANUP(json_release) json_t *rest = NULL;
        struct err err = ERR_INIT;
        bool good = true;
        json_sieve_init(&sieve, root);
        sieve.item = tell;
        told[0] = '\0';
        for (size_t at = 0; good && at < len; at += pieces[p]) {
            size_t left = len - at;
            good = json_sieve_feed(&sieve, text + at, left < pieces[p] ? left : pieces[p]);
        }
        good = json_sieve_end(&sieve, &rest, NULL, &err);
        assert_int_equal(good, err.kind == ERR_NONE);
        if (p == 0) {
            first = json_incref(rest);
            (void)snprintf(first_told, sizeof first_told, "%s", told);
        }
        assert_string_equal(told, first_told);
        assert_true(first == rest || json_equal(first, rest));
    }
    return TAKE(first);
}

static void keeps(const struct json_sieve_part *root, const char *text, const char *rest,
                  const char *items) {
    CLEANUP(json_release) json_t *json = sieved(root, text, strlen(text));
    CLEANUP(buf_release) struct buf out = BUF_INIT(65536);
    if (json) {
        json_write(json, &out);
    }
    assert_string_equal(buf_text(&out), rest);
    assert_string_equal(told, items);
}

static void only_named_members_are_kept(void **state) {
    (void)state;
    keeps(&root_list,
          " {\"version\": \"7\", \"kind\": {\"a\": [1, \"]}\\\"\"]}, \"items\": [\n"
          "{\"x\": [[]], \"name\": \"a\", \"our/1\": true, \"ours\": 1, \"labels\": {\"l\": "
          "\"1\"}},\n"
          "{\"containers\": [{\"name\": \"c\", \"env\": [{}], \"probe\": {\"p\": 1}}, {}, 3]} ]}\n",
          "{\"version\":\"7\",\"items\":[]}",
          "{\"name\":\"a\",\"our/1\":true,\"labels\":{\"l\":\"1\"}}\n"
          "{\"containers\":[{\"name\":\"c\",\"probe\":{}},{},3]}\n");
    keeps(&root_items, "[{\"name\": \"a\"}, {}, [{\"name\": \"b\", \"x\": 1}]]", "[]",
          "{\"name\":\"a\"}\n{}\n[{\"name\":\"b\"}]\n");
    keeps(&root_whole_list, "{\"items\": [{\"a\": {\"b\": [1, 2]}}, [3]]}", "{\"items\":[]}",
          "{\"a\":{\"b\":[1,2]}}\n[3]\n");
    keeps(&root_element, "{\"name\": null, \"values\": -1.5e3, \"y\": \"z\"}",
          "{\"name\":null,\"values\":-1500.0}", "");
    keeps(&root_whole, "{\"a\": [1, {}]} ", "{\"a\":[1,{}]}", "");
}

static void a_list_without_elements_has_none(void **state) {
    (void)state;
    keeps(&root_list, "", "", "");
    keeps(&root_list, "{\"items\": null}", "{\"items\":null}", "");
    keeps(&root_list, "{\"items\": {\"a\": 1}}", "{\"items\":{}}", "");
    keeps(&root_list, "[]", "[]", "");
    keeps(&root_items, "{\"message\": \"no\"}", "{}", "");
}

static void what_is_not_kept_hurts_nobody(void **state) {
    (void)state;
    static char text[400000];
    size_t len = (size_t)snprintf(text, sizeof text,
                                  "[{\"name\": \"a\", \"z\": \"\\u0000\\ud800\xff\", \"z\": 1e999, "
                                  "\"\\u0000\": 2, \"d\": ");
    memset(text + len, '[', 100000);
    memset(text + len + 100000, ']', 100000);
    len += 200000;
    len += (size_t)snprintf(text + len, sizeof text - len, "}, {\"name\": \"b\"}]");
    CLEANUP(json_release) json_t *rest = sieved(&root_items, text, len);
    assert_non_null(rest);
    assert_string_equal(told, "{\"name\":\"a\"}\n{\"name\":\"b\"}\n");
}

/* Each row: a hostile value of a kept member, and what becomes of it. */
static void a_fault_stays_in_its_element(void **state) {
    (void)state;
    static const struct {
        const char *value, *told;
    } rows[] = {
        {"\"a\\u0000b\"", "{\"name\":\"a\xEF\xBF\xBD"
                          "b\"}"},
        {"\"\xff\"", "{\"name\":\"\xEF\xBF\xBD\"}"},
        {"\"\\ud800\"", "{\"name\":\"\xEF\xBF\xBD\"}"},
        {"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
         "{\"name\":null} !name is nested too deeply"},
        {"1e999", "unreadable !JSON: number out of range"},
        {"99999999999999999999", "unreadable !JSON: number out of range"},
        {"nul", "unreadable !JSON: syntax error"},
        {"[}", "unreadable !JSON: syntax error"},
        {"{\"a\": 1, \"a\": 2}", "unreadable !JSON: duplicate member"},
        {"1, \"name\": 2", "unreadable !JSON: duplicate member"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        char text[512];
        int len = snprintf(text, sizeof text,
                           "[{\"name\": \"x\"}, {\"name\": %s}, {\"name\": "
                           "\"y\"}]",
                           rows[i].value);
        CLEANUP(json_release) json_t *rest = sieved(&root_items, text, (size_t)len);
        assert_non_null(rest);
        if (strncmp(told, "{\"name\":\"x\"}\n", 13) != 0 || !strstr(told, rows[i].told) ||
            !strstr(told, "\n{\"name\":\"y\"}\n")) {
            fail_msg("%s: %s", rows[i].value, told);
        }
    }
}

static void sizes_are_bounded(void **state) {
    (void)state;
    static char text[600000];
    char many[4096] = "";
    size_t len = (size_t)snprintf(text, sizeof text, "[{\"values\": \"");
    memset(text + len, 'v', 200);
    len += 200;
    len += (size_t)snprintf(text + len, sizeof text - len, "\", \"name\": \"a\", \"labels\": {");
    for (int i = 0; i < 100; i++) {
        len += (size_t)snprintf(text + len, sizeof text - len, "%s\"l%d\": \"1234567890\"",
                                i ? "," : "", i);
    }
    len += (size_t)snprintf(text + len, sizeof text - len, "}, \"our/x\": 1}, {\"our/big\": \"");
    memset(text + len, 'v', 500000);
    len += 500000;
    len += (size_t)snprintf(text + len, sizeof text - len, "\"}, {\"name\": \"b\"}]");
    CLEANUP(json_release) json_t *rest = sieved(&root_items, text, len);
    assert_non_null(rest);
    (void)snprintf(many, sizeof many, "%.*s", (int)strcspn(told, "\n"), told);
    assert_non_null(strstr(many, "{\"values\":null,\"name\":\"a\",\"labels\":{\"l0\":"));
    assert_non_null(strstr(many, "\"our/x\":1} !values is too large"));
    assert_null(strstr(many, "\"l50\""));
    assert_non_null(strstr(told, "\n{\"our/big\":null} !our/big is too large\n"));
    assert_non_null(strstr(told, "\n{\"name\":\"b\"}\n"));
}

static void a_name_that_is_too_long_is_a_fault(void **state) {
    (void)state;
    char text[2048] = "[{\"our/";
    memset(text + strlen(text), 'n', 600);
    (void)snprintf(text + strlen(text), 64, "\": 1, \"name\": \"a\"}, {\"");
    memset(text + strlen(text), 'n', 600);
    (void)snprintf(text + strlen(text), 64, "\": 1}]");
    keeps(&root_items, text, "[]", "{\"name\":\"a\"} !our/* has too long a name\n{}\n");
}

static void small_elements_in_great_number_are_too_many(void **state) {
    (void)state;
    static const struct json_sieve_part one[] = {{"v", NULL, JSON_SIEVE_PART_MAX, false},
                                                 {NULL, NULL, 0, false}};
    static const struct json_sieve_part root = {NULL, one, 0, false};
    static char text[400000] = "{\"v\": [";
    size_t len = strlen(text);
    for (int i = 0; i < 60000; i++) {
        len += (size_t)snprintf(text + len, sizeof text - len, "%s{}", i ? "," : "");
    }
    len += (size_t)snprintf(text + len, sizeof text - len, "]}");
    CLEANUP(json_sieve_release) struct json_sieve sieve;
    CLEANUP(json_release) json_t *rest = NULL;
    struct err fault = ERR_INIT;
    struct err err = ERR_INIT;
    json_sieve_init(&sieve, &root);
    assert_true(json_sieve_feed(&sieve, text, len));
    assert_true(json_sieve_end(&sieve, &rest, &fault, &err));
    assert_true(json_is_null(json_object_get(rest, "v")));
    assert_string_equal(fault.message, "v has too many members");
    /* The sieve is ready for another document. */
    CLEANUP(json_release) json_t *next = NULL;
    assert_true(json_sieve_feed(&sieve, "{\"v\": 1}", 8));
    assert_true(json_sieve_end(&sieve, &next, &fault, &err));
    assert_int_equal(json_int(next, "v", 0), 1);
    assert_int_equal(fault.kind, ERR_NONE);
}

static void other_texts_are_refused(void **state) {
    (void)state;
    static const char *const texts[] = {
        "{",
        "[",
        "[{}",
        "{\"items\": [{}]",
        "{\"version\": \"",
        "{\"version\"}",
        "{:1}",
        "[}",
        "{\"a\": ]",
        "[{} }",
        "{\"version\": 1}}",
        "[] []",
        "x",
        "{\"version\": x}",
        "{\"a\" \"b\"}",
        "{\"version\": }",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        CLEANUP(json_release) json_t *rest = sieved(&root_list, texts[i], strlen(texts[i]));
        if (rest) {
            fail_msg("taken: %s", texts[i]);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_named_members_are_kept),
        cmocka_unit_test(a_list_without_elements_has_none),
        cmocka_unit_test(what_is_not_kept_hurts_nobody),
        cmocka_unit_test(a_fault_stays_in_its_element),
        cmocka_unit_test(sizes_are_bounded),
        cmocka_unit_test(a_name_that_is_too_long_is_a_fault),
        cmocka_unit_test(small_elements_in_great_number_are_too_many),
        cmocka_unit_test(other_texts_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
