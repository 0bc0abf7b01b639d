/* Places: the one that must go when there are too many; addresses are remembered for a while. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/own.h"
#include "webhook/places.h"

#define NOW 1000000

static struct places places;
static struct place taken[64];

static struct peer peer(const char *address) {
    struct peer_network network;
    struct err err = ERR_INIT;
    assert_true(peer_network_parse(address, &network, &err));
    return (struct peer){.address = network.address};
}

/* Takes the place with that number, as a connection from that address (NULL: not known). */
static struct place *enter_at(size_t number, const char *address, int64_t now_ms) {
    struct place *place = &taken[number];
    struct peer from = {0};
    if (address) {
        from = peer(address);
    }
    *place = (struct place){.owner = place};
    assert_true(places_enter(&places, place, address ? &from : NULL, now_ms));
    return place;
}

static struct place *enter(size_t number, const char *address) {
    return enter_at(number, address, NOW);
}

static int end(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(taken); i++) {
        places_leave(&places, &taken[i]);
    }
    assert_int_equal(places_count(&places) + places.leaving, 0);
    assert_int_equal(places.addresses, 0);
    places_release(&places);
    return 0;
}

static void an_address_over_its_share_gives_up_its_oldest(void **state) {
    (void)state;
    assert_true(places_init(&places, 40, 3));
    struct place *other = enter(0, "192.0.2.1");
    struct place *first = enter(1, "192.0.2.7");
    struct place *second = enter(2, "192.0.2.7");
    struct place *third = enter(3, "192.0.2.7");
    assert_null(places_surplus(&places, third));
    struct place *fourth = enter(4, "192.0.2.7");
    assert_ptr_equal(places_surplus(&places, fourth), first);
    assert_null(places_surplus(&places, fourth));
    assert_int_equal(places.leaving, 1);
    places_leave(&places, first);
    assert_int_equal(places.leaving, 0);
    places_prove(&places, second, NOW);
    third->pinned = true;
    assert_ptr_equal(places_surplus(&places, enter(5, "192.0.2.7")), fourth);
    assert_false(other->leaving);
}

static void addresses_of_ipv6_count_by_64_bits(void **state) {
    (void)state;
    assert_true(places_init(&places, 40, 2));
    struct place *first = enter(0, "2001:db8::1");
    (void)enter(1, "2001:db8::ffff:2");
    (void)enter(2, "2001:db8:0:1::1");
    assert_null(places_surplus(&places, &taken[2]));
    assert_ptr_equal(places_surplus(&places, enter(3, "2001:db8::3")), first);
    (void)enter(4, "192.0.2.1");
    (void)enter(5, "192.0.2.2");
    assert_null(places_surplus(&places, enter(6, "192.0.2.3")));
    assert_int_equal(places.addresses, 5);
}

static void the_unproven_leave_places_for_the_proven(void **state) {
    (void)state;
    assert_true(places_init(&places, 8, 8)); /* 6 for the unproven */
    struct place *few = enter(0, "192.0.2.1");
    struct place *many = enter(1, "192.0.2.7");
    for (size_t i = 2; i < 6; i++) {
        assert_null(places_surplus(&places, enter(i, "192.0.2.7")));
    }
    /* The oldest of the address that has more than others. */
    assert_ptr_equal(places_surplus(&places, enter(6, "192.0.2.9")), many);
    assert_false(few->leaving);
    places_leave(&places, many);
    places_prove(&places, few, NOW);
    places_prove(&places, &taken[2], NOW);
    assert_null(places_surplus(&places, enter(7, "192.0.2.7")));
    assert_null(places_surplus(&places, enter(8, "192.0.2.7")));
    /* Full: still nobody who has proved something. */
    assert_ptr_equal(places_surplus(&places, enter(9, "192.0.2.9")), &taken[3]);
}

static void the_oldest_proven_goes_when_all_are_proven(void **state) {
    (void)state;
    assert_true(places_init(&places, 4, 4));
    for (size_t i = 0; i < 5; i++) {
        places_prove(&places, enter(i, i % 2 ? "192.0.2.1" : "192.0.2.2"), NOW);
    }
    taken[0].pinned = true;
    assert_ptr_equal(places_surplus(&places, &taken[4]), &taken[2]);
    for (size_t i = 0; i < 5; i++) {
        taken[i].pinned = true;
    }
    (void)enter(5, "192.0.2.3");
    assert_ptr_equal(places_surplus(&places, &taken[5]), &taken[5]); /* the newcomer itself */
}

static void an_address_that_proved_itself_is_remembered(void **state) {
    (void)state;
    assert_true(places_init(&places, 4, 4));
    places_prove(&places, enter(0, "192.0.2.1"), NOW);
    places_leave(&places, &taken[0]);
    assert_true(enter_at(0, "192.0.2.1", NOW + PLACES_REMEMBER_MS - 1)->proven);
    places_leave(&places, &taken[0]);
    assert_false(enter_at(0, "192.0.2.1", NOW + PLACES_REMEMBER_MS)->proven);
    places_leave(&places, &taken[0]);
    for (unsigned i = 0; i < PLACES_REMEMBERED; i++) {
        char address[32];
        (void)snprintf(address, sizeof address, "10.0.%u.%u", i / 256, i % 256);
        places_prove(&places, enter(1, address), NOW);
        places_leave(&places, &taken[1]);
    }
    assert_int_equal(places.remembered, PLACES_REMEMBERED);
    assert_false(enter(0, "192.0.2.1")->proven); /* forgotten for later ones */
    assert_true(enter(1, "10.0.0.1")->proven);
}

static void a_proxys_connection_counts_for_the_address_of_its_request(void **state) {
    (void)state;
    assert_true(places_init(&places, 40, 2));
    const struct peer origin = peer("192.0.2.7");
    for (size_t i = 0; i < 4; i++) {
        assert_null(places_surplus(&places, enter(i, NULL)));
    }
    for (size_t i = 0; i < 3; i++) {
        places_move(&places, &taken[i], &origin, NOW);
    }
    assert_ptr_equal(places_surplus(&places, &taken[2]), &taken[0]);
    assert_int_equal(taken[0].address->leaving, 1);
    places_leave(&places, &taken[0]);
    places_prove(&places, &taken[1], NOW);
    places_move(&places, &taken[1], NULL, NOW);
    assert_false(taken[1].proven);
    places_move(&places, &taken[2], NULL, NOW);
    assert_int_equal(places.addresses, 0);
    places_move(&places, &taken[3], &origin, NOW);
    assert_true(taken[3].proven); /* lately */
}

static void greedy_addresses_go_before_a_proxys_waiting_connections(void **state) {
    (void)state;
    assert_true(places_init(&places, 8, 8)); /* 6 for the unproven */
    const struct peer greedy = peer("192.0.2.7");
    (void)enter(0, NULL);
    for (size_t i = 1; i < 4; i++) {
        places_move(&places, enter(i, NULL), &greedy, NOW);
    }
    (void)enter(4, "192.0.2.9");
    (void)enter(5, NULL);
    assert_null(places_surplus(&places, &taken[5]));
    assert_ptr_equal(places_surplus(&places, enter(6, NULL)), &taken[1]);
    places_leave(&places, &taken[2]);
    places_leave(&places, &taken[3]);
    places_leave(&places, &taken[1]);
    (void)enter(7, NULL);
    (void)enter(8, "192.0.2.8");
    assert_null(places_surplus(&places, &taken[8]));
    /* No address has more than its part: the oldest of a proxy. */
    assert_ptr_equal(places_surplus(&places, enter(9, NULL)), &taken[0]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(an_address_over_its_share_gives_up_its_oldest, end),
        cmocka_unit_test_teardown(addresses_of_ipv6_count_by_64_bits, end),
        cmocka_unit_test_teardown(the_unproven_leave_places_for_the_proven, end),
        cmocka_unit_test_teardown(the_oldest_proven_goes_when_all_are_proven, end),
        cmocka_unit_test_teardown(an_address_that_proved_itself_is_remembered, end),
        cmocka_unit_test_teardown(greedy_addresses_go_before_a_proxys_waiting_connections, end),
        cmocka_unit_test_teardown(a_proxys_connection_counts_for_the_address_of_its_request, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
