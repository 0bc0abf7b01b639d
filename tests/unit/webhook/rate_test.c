/* Rates: the allowance, its recovery, and its survival of a reload. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "webhook/rate.h"

static void gives_an_allowance_back_over_time(void **state) {
    (void)state;
    CLEANUP(rate_release) struct rate rate = {0};
    struct sender senders[] = {
        {.name = (char[]){"ci"}, .rate_count = 3, .rate_period_ms = 60000},
        {.name = (char[]){"free"}},
    };
    const struct sender_set set = {senders, 2};
    int64_t retry_ms = 0;
    assert_true(rate_adopt(&rate, &set));
    for (int i = 0; i < 3; i++) {
        assert_true(rate_take(&rate, &senders[0], 1000, &retry_ms));
    }
    assert_false(rate_take(&rate, &senders[0], 1000, &retry_ms));
    assert_int_equal(retry_ms, 20000);
    assert_true(rate_adopt(&rate, &set));
    assert_false(rate_take(&rate, &senders[0], 20999, &retry_ms));
    assert_int_equal(retry_ms, 1);
    assert_true(rate_take(&rate, &senders[0], 21000, &retry_ms));
    assert_false(rate_take(&rate, &senders[0], 21000, &retry_ms));
    for (int i = 0; i < 1000; i++) {
        assert_true(rate_take(&rate, &senders[1], 1000, &retry_ms));
    }
    for (int i = 0; i < 3; i++) {
        assert_true(rate_take(&rate, &senders[0], 200000, &retry_ms));
    }
    assert_false(rate_take(&rate, &senders[0], 200000, &retry_ms));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(gives_an_allowance_back_over_time)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
