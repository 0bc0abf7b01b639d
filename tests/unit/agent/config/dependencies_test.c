/* Circles among the dependencies of rules: found through names and groups, and only real ones. */
#include "tests/unit/agent/config/parsed.h"

#define RULE(name, more) "  - {match: {name: " name "}, " more "}\n"

static void circles_are_found(void **state) {
    (void)state;
    static const struct {
        const char *rules, *words;
    } rows[] = {
        {RULE("a", "depends_on: [a]"), "in a circle: a, then a again"},
        {RULE("a", "depends_on: [b]") RULE("b", "depends_on: [c]") RULE("c", "depends_on: [a]"),
         "in a circle: a, then b, then c, then a again"},
        /* the entrance is no part of the circle */
        {RULE("x", "depends_on: [a]") RULE("a", "depends_on: [b]") RULE("b", "depends_on: [a]"),
         "in a circle: a, then b, then a again"},
        {RULE("a", "group: web, depends_on: [web]"), "in a circle"},
        {RULE("a", "group: web") RULE("a", "depends_on: [web]"), "in a circle"},
        {RULE("'*'", "group: web, depends_on: [db]") RULE("db", "depends_on: [web]"),
         "in a circle: web, then db, then web again"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        char text[1024];
        (void)snprintf(text, sizeof text, "rules:\n%s", rows[i].rules);
        parsed_refused(text, rows[i].words);
    }
}

static void the_fault_stands_at_the_last_dependency(void **state) {
    (void)state;
    parsed_refused("rules:\n" RULE("a", "depends_on: [b]") RULE("b", "depends_on: [a]"),
                   "8:36: `depends_on` goes in a circle");
}

static void the_rest_is_no_circle(void **state) {
    (void)state;
    static const char *const rules[] = {
        RULE("a", "depends_on: [b]") RULE("b", "depends_on: [c]") RULE("a", "group: g"),
        /* a diamond */
        RULE("a", "depends_on: [b, c]") RULE("b", "depends_on: [d]") RULE("c", "depends_on: [d]"),
        /* a second rule of that name counts for nothing */
        RULE("a", "depends_on: [b]") RULE("b", "depends_on: []") RULE("b", "depends_on: [a]"),
        /* a rule for several names is none of them */
        RULE("'a*'", "depends_on: [ab]") RULE("ab", "group: g"),
        RULE("a", "depends_on: [nobody]"),
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rules); i++) {
        char text[1024];
        (void)snprintf(text, sizeof text, "rules:\n%s", rules[i]);
        config_drop(parsed(text, NULL));
    }
}

static void a_long_circle_is_told_in_short(void **state) {
    (void)state;
    CLEANUP(buf_release) struct buf text = BUF_INIT((size_t)256 * 1024);
    buf_puts(&text, "rules:\n");
    for (int i = 0; i < 500; i++) {
        buf_printf(&text, "  - {match: {name: n%d}, depends_on: [n%d]}\n", i, (i + 1) % 500);
    }
    parsed_refused(buf_text(&text), "\xE2\x80\xA6, then n0 again: remove one of them");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(circles_are_found, parsed_setup),
        cmocka_unit_test_setup(the_fault_stands_at_the_last_dependency, parsed_setup),
        cmocka_unit_test_setup(the_rest_is_no_circle, parsed_setup),
        cmocka_unit_test_setup(a_long_circle_is_told_in_short, parsed_setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
