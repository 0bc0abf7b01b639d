/* Waiting: those with many waits give way to those with few; each kind has places of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "webhook/waiting.h"

#define PLACES 8 /* for pushes; two for keys */

static struct service service;
static struct exchange exchanges[32];
static const int owners[3];

static int begin(void **state) {
    (void)state;
    service = (struct service){.limits = {.waiting = PLACES}};
    return 0;
}

/* True: the exchange with that number waits now. */
static bool waits(size_t number, enum exchange_wait wait, size_t owner) {
    struct exchange *exchange = &exchanges[number];
    *exchange = (struct exchange){.service = &service, .until_ms = 1000};
    if (!waiting_room(exchange, wait, &owners[owner])) {
        return false;
    }
    exchange->wait = wait;
    exchange->next_waiting = service.waiting;
    service.waiting = exchange;
    service.waiting_count[wait]++;
    return true;
}

static void one_sender_takes_all_places_only_while_nobody_else_wants_any(void **state) {
    (void)state;
    for (size_t i = 0; i < PLACES; i++) {
        assert_true(waits(i, EXCHANGE_FOR_PUSH, 0));
    }
    assert_false(waits(8, EXCHANGE_FOR_PUSH, 0));
    for (size_t i = 0; i < PLACES / 2; i++) {
        assert_true(waits(9 + i, EXCHANGE_FOR_PUSH, 1));
        assert_int_equal(exchanges[i].until_ms, 0); /* the oldest ones first */
    }
    assert_false(waits(20, EXCHANGE_FOR_PUSH, 1)); /* both have as many */
    assert_true(waits(21, EXCHANGE_FOR_PUSH, 2));
}

static void each_kind_has_places_of_its_own(void **state) {
    (void)state;
    for (size_t i = 0; i < PLACES; i++) {
        assert_true(waits(i, EXCHANGE_FOR_PUSH, 0));
    }
    assert_true(waits(8, EXCHANGE_FOR_KEYS, 0));
    assert_true(waits(9, EXCHANGE_FOR_KEYS, 0));
    assert_true(waits(10, EXCHANGE_FOR_READY, 0));
    assert_false(waits(11, EXCHANGE_FOR_KEYS, 0));
    assert_true(waits(12, EXCHANGE_FOR_KEYS, 1));
    assert_int_equal(exchanges[8].until_ms, 0);
    for (size_t i = 0; i < PLACES; i++) {
        assert_int_equal(exchanges[i].until_ms, 1000);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(one_sender_takes_all_places_only_while_nobody_else_wants_any, begin),
        cmocka_unit_test_setup(each_kind_has_places_of_its_own, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
