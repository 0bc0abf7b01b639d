/* Bodies: limits of each, of an address, and of all; small ones are never starved; discarded ones
 * take no memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "webhook/body.h"

static char zeroes[64 * 1024];

static void is_bounded_alone_and_in_sum(void **state) {
    (void)state;
    struct body_memory memory = {.unproven = {.max = 40000}, .share = 100000, .each = 32768};
    struct body first = {0};
    struct body second = {0};
    size_t account = 0;
    body_begin(&first, &account);
    body_begin(&second, &account);
    assert_int_equal(body_add(&first, &memory, zeroes, 32768), BODY_ADDED);
    assert_int_equal(first.len, 32768);
    assert_int_equal(memory.unproven.used, 32768 - BODY_SMALL);
    assert_int_equal(account, 32768 - BODY_SMALL);
    assert_int_equal(body_add(&first, &memory, zeroes, 1), BODY_TOO_LARGE);
    assert_int_equal(body_add(&second, &memory, zeroes, 16384), BODY_NO_MEMORY);
    assert_int_equal(body_add(&second, &memory, "abc", 3), BODY_ADDED);
    assert_int_equal(body_add(&second, &memory, zeroes, BODY_SMALL - 3), BODY_ADDED);
    assert_memory_equal(second.bytes, "abc", 3);
    body_clear(&first);
    assert_int_equal(memory.unproven.used, 0);
    assert_int_equal(account, 0);
    assert_null(first.bytes);
    body_clear(&second);
    assert_int_equal(second.len, 0);
    assert_non_null(second.bytes);
    body_begin(&second, &account);
    assert_int_equal(body_add(&second, &memory, zeroes, 16384), BODY_ADDED);
    body_release(&second);
    assert_int_equal(memory.unproven.used, 0);
    assert_int_equal(account, 0);
}

static void has_shares_of_addresses_and_a_reserve_for_the_proven(void **state) {
    (void)state;
    struct body_memory memory = {
        .unproven = {.max = 40000}, .proven = {.max = 20000}, .share = 10000, .each = 32768};
    size_t accounts[2] = {0};
    struct body mine = {0};
    struct body more = {0};
    struct body other = {0};
    struct body proven = {0};
    body_begin(&mine, &accounts[0]);
    body_begin(&more, &accounts[0]);
    body_begin(&other, &accounts[1]);
    body_begin(&proven, NULL);
    assert_int_equal(body_add(&mine, &memory, zeroes, 8192), BODY_ADDED);
    assert_int_equal(body_add(&more, &memory, zeroes, 8192), BODY_SHARE_FULL);
    assert_int_equal(body_add(&other, &memory, zeroes, 8192), BODY_ADDED);
    memory.unproven.max = memory.unproven.used;
    assert_int_equal(body_add(&proven, &memory, zeroes, 16384), BODY_ADDED);
    assert_int_equal(memory.proven.used, 16384 - BODY_SMALL);
    body_release(&mine);
    body_release(&more);
    body_release(&other);
    body_release(&proven);
    assert_int_equal(memory.unproven.used + memory.proven.used + accounts[0] + accounts[1], 0);
}

static void a_discarded_body_is_counted_and_not_kept(void **state) {
    (void)state;
    struct body_memory memory = {.unproven = {.max = 40000}, .share = 40000, .each = 32768};
    size_t account = 0;
    struct body body = {0};
    body_begin(&body, &account);
    memset(zeroes, 'x', 8192);
    assert_int_equal(body_add(&body, &memory, zeroes, 8192), BODY_ADDED);
    body_discard(&body);
    assert_int_equal(memory.unproven.used + account, 0);
    assert_int_equal(body_add(&body, &memory, zeroes, 24576), BODY_ADDED);
    assert_int_equal(body_add(&body, &memory, zeroes, 1), BODY_TOO_LARGE);
    assert_int_equal(body.len, 32768);
    memset(zeroes, 0, sizeof zeroes);
    assert_memory_equal(body_bytes(&body), zeroes, 32768);
    body_clear(&body);
    body_begin(&body, &account);
    assert_int_equal(body_add(&body, &memory, "abc", 3), BODY_ADDED);
    assert_memory_equal(body_bytes(&body), "abc", 3);
    body_release(&body);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_bounded_alone_and_in_sum),
        cmocka_unit_test(has_shares_of_addresses_and_a_reserve_for_the_proven),
        cmocka_unit_test(a_discarded_body_is_counted_and_not_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
