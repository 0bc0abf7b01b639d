/* Turns between images. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "agent/pipeline/turns.h"

static struct ref named(const char *path) {
    struct ref ref = {.host = "docker.io"};
    (void)snprintf(ref.path, sizeof ref.path, "%s", path);
    return ref;
}

static void the_last_is_the_greatest(void **state) {
    (void)state;
    struct turns *turns = turns_new();
    struct ref a = named("a/x");
    struct ref b = named("b/x");
    assert_int_equal(turns_last(turns, &a), 0);
    turns_take(turns, &a);
    turns_take(turns, &b);
    assert_true(turns_last(turns, &a) < turns_last(turns, &b));
    turns_take(turns, &a);
    assert_true(turns_last(turns, &a) > turns_last(turns, &b));
    turns_free(turns);
}

static void the_oldest_is_forgotten(void **state) {
    (void)state;
    struct turns *turns = turns_new();
    struct ref first = named("first/x");
    turns_take(turns, &first);
    for (int i = 0; i < 200; i++) {
        char path[32];
        (void)snprintf(path, sizeof path, "many/%d", i);
        struct ref one = named(path);
        turns_take(turns, &one);
        assert_true(turns_last(turns, &one) > 0);
    }
    assert_int_equal(turns_last(turns, &first), 0);
    turns_free(turns);
    turns_take(NULL, &first);
    assert_int_equal(turns_last(NULL, &first), 0);
    turns_free(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_is_the_greatest),
        cmocka_unit_test(the_oldest_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
