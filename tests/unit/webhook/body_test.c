/* Bodies: limits of each and of all; small ones are never starved. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "webhook/body.h"

static char zeroes[64 * 1024];

static void is_bounded_alone_and_in_sum(void **state) {
    (void)state;
    struct body_memory memory = {.max = 40000, .each = 32768};
    struct body first = {0};
    struct body second = {0};
    assert_int_equal(body_add(&first, &memory, zeroes, 32768), BODY_ADDED);
    assert_int_equal(first.len, 32768);
    assert_int_equal(memory.used, 32768 - BODY_SMALL);
    assert_int_equal(body_add(&first, &memory, zeroes, 1), BODY_TOO_LARGE);
    assert_int_equal(body_add(&second, &memory, zeroes, 16384), BODY_NO_MEMORY);
    assert_int_equal(body_add(&second, &memory, "abc", 3), BODY_ADDED);
    assert_int_equal(body_add(&second, &memory, zeroes, BODY_SMALL - 3), BODY_ADDED);
    assert_memory_equal(second.bytes, "abc", 3);
    body_clear(&first, &memory);
    assert_int_equal(memory.used, 0);
    assert_null(first.bytes);
    body_clear(&second, &memory);
    assert_int_equal(second.len, 0);
    assert_non_null(second.bytes);
    assert_int_equal(body_add(&second, &memory, zeroes, 16384), BODY_ADDED);
    body_release(&second, &memory);
    assert_int_equal(memory.used, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(is_bounded_alone_and_in_sum)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
