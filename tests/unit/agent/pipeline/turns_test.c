/* Turns between images and parties. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "agent/pipeline/turns.h"

static void the_last_is_the_greatest(void **state) {
    (void)state;
    struct turns *turns = turns_new();
    assert_int_equal(turns_last(turns, "docker.io/a/x"), 0);
    turns_take(turns, "docker.io/a/x");
    turns_take(turns, "ci prod");
    assert_true(turns_last(turns, "docker.io/a/x") < turns_last(turns, "ci prod"));
    turns_take(turns, "docker.io/a/x");
    assert_true(turns_last(turns, "docker.io/a/x") > turns_last(turns, "ci prod"));
    turns_free(turns);
}

static void the_oldest_is_forgotten(void **state) {
    (void)state;
    struct turns *turns = turns_new();
    turns_take(turns, "first");
    for (int i = 0; i < 200; i++) {
        char path[32];
        (void)snprintf(path, sizeof path, "many/%d", i);
        turns_take(turns, path);
        assert_true(turns_last(turns, path) > 0);
    }
    assert_int_equal(turns_last(turns, "first"), 0);
    turns_free(turns);
    turns_take(NULL, "first");
    assert_int_equal(turns_last(NULL, "first"), 0);
    turns_free(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_is_the_greatest),
        cmocka_unit_test(the_oldest_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
