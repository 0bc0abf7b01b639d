/* The variables of the commands: each into its own member, and an empty one is none. */
#include "agent/cli/environment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int clear(void **state) {
    (void)state;
    for (const struct environment_variable *row = environment_table; row->name; row++) {
        (void)unsetenv(row->name);
    }
    (void)unsetenv("GITHUB_ACTIONS");
    return 0;
}

static const char *member(const struct environment *environment, size_t offset) {
    return *(const char *const *)((const char *)environment + offset);
}

static void each_variable_has_its_own_member(void **state) {
    (void)state;
    for (const struct environment_variable *row = environment_table; row->name; row++) {
        if (row->offset == ENVIRONMENT_NO_MEMBER) {
            continue;
        }
        assert_int_equal(setenv(row->name, row->name, 1), 0);
        struct environment environment = environment_read();
        for (const struct environment_variable *other = environment_table; other->name; other++) {
            if (other->offset == ENVIRONMENT_NO_MEMBER) {
                continue;
            }
            const char *value = member(&environment, other->offset);
            assert_true(other == row ? value && strcmp(value, row->name) == 0 : value == NULL);
        }
        assert_int_equal(unsetenv(row->name), 0);
    }
}

static void an_empty_one_is_not_set(void **state) {
    (void)state;
    assert_int_equal(setenv("LANDWAITER_URL", "", 1), 0);
    assert_int_equal(setenv("GITHUB_ACTIONS", "", 1), 0);
    struct environment environment = environment_read();
    assert_null(environment.url);
    assert_false(environment.forge);
    assert_int_equal(setenv("GITHUB_ACTIONS", "true", 1), 0);
    assert_true(environment_read().forge);
}

/* Some CI systems let their jobs write to a terminal. */
static void nobody_watches_a_ci_system(void **state) {
    (void)state;
    assert_int_equal(setenv("CI", "true", 1), 0);
    assert_false(environment_read().watched);
    assert_int_equal(unsetenv("CI"), 0);
    assert_int_equal(setenv("TERM", "dumb", 1), 0);
    assert_false(environment_read().watched);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(each_variable_has_its_own_member, clear),
        cmocka_unit_test_setup(an_empty_one_is_not_set, clear),
        cmocka_unit_test_setup(nobody_watches_a_ci_system, clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
