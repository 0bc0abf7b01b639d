/* Names of the configuration: labels, namespaces, and equality. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/config/grammar.h"
#include "agent/model/settings.h"
#include "base/own.h"

static void labels(void **state) {
    (void)state;
    static const char *const bad[] = {"", "-a", "a-", "Shop", "a.b", "a_b"};
    struct err err = ERR_INIT;
    assert_true(config_check_namespace("shop", &err));
    assert_true(config_check_namespace("0-1", &err));
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        assert_false(config_check_namespace(bad[i], &err));
        assert_int_equal(err.kind, ERR_INVALID);
        assert_non_null(strstr(err.message, "is not a namespace"));
    }
    char longest[SETTINGS_NAME_SIZE + 1];
    memset(longest, 'x', SETTINGS_NAME_SIZE);
    longest[SETTINGS_NAME_SIZE] = '\0';
    assert_false(config_label_valid(longest));
    longest[SETTINGS_NAME_SIZE - 1] = '\0';
    assert_true(config_label_valid(longest));
}

static void texts(void **state) {
    (void)state;
    assert_true(config_text_same(NULL, NULL));
    assert_false(config_text_same(NULL, ""));
    assert_true(config_text_same("a", "a"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(labels),
        cmocka_unit_test(texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
