/* Regular expressions: anchoring, the group `version`, and the limit of steps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "policies/expression.h"

static enum expression_result match(const char *pattern, const char *text, char *version) {
    CLEANUP(expression_release) struct expression *expression = NULL;
    struct err err = ERR_INIT;
    if (!expression_new(pattern, &expression, &err)) {
        fail_msg("%s: %s", pattern, err.message);
    }
    assert_int_equal(expression_has_version(expression), strstr(pattern, "<version>") != NULL);
    return expression_match(expression, text, version);
}

static void matches_whole_tags(void **state) {
    (void)state;
    static const struct {
        const char *pattern, *text;
        enum expression_result result;
        const char *version;
    } cases[] = {
        {"1.*", "1.2", EXPRESSION_YES, ""},
        {"1", "1.2", EXPRESSION_NO, NULL},
        {"2", "1.2", EXPRESSION_NO, NULL},
        {"a|ab", "ab", EXPRESSION_YES, ""},
        {"v(?<version>[0-9.]+)-main", "v1.2.3-main", EXPRESSION_YES, "1.2.3"},
        {"v(?<version>[0-9.]+)?-main", "v-main", EXPRESSION_YES, ""},
        {"main", "main\n", EXPRESSION_NO, NULL},
        {"(a+)+(b|d)", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac",
         EXPRESSION_TOO_LONG, NULL},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        char version[EXPRESSION_GROUP_MAX + 1] = "?";
        if (match(cases[i].pattern, cases[i].text, version) != cases[i].result) {
            fail_msg("%s against %s", cases[i].pattern, cases[i].text);
        }
        if (cases[i].version) {
            assert_string_equal(version, cases[i].version);
        }
    }
}

static void faults_name_their_place(void **state) {
    (void)state;
    struct expression *expression = NULL;
    struct err err = ERR_INIT;
    assert_false(expression_new("ab(c", &expression, &err));
    assert_null(expression);
    assert_int_equal(err.kind, ERR_INVALID);
    assert_non_null(strstr(err.message, "wrong at character"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches_whole_tags),
        cmocka_unit_test(faults_name_their_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
