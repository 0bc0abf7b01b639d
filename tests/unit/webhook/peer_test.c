/* Peers: networks, and the address behind trusted proxies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/own.h"
#include "webhook/peer.h"

static struct peer_network network(const char *text) {
    struct peer_network out;
    struct err err = ERR_INIT;
    if (!peer_network_parse(text, &out, &err)) {
        fail_msg("%s: %s", text, err.message);
    }
    return out;
}

static struct peer peer(const char *address) {
    return (struct peer){.address = network(address).address};
}

static void networks_are_parsed(void **state) {
    (void)state;
    static const char *const bad[] = {
        "",         "localhost", "10.0.0.0/33", "10.0.0.0/",   "fd00::/129", "10.0.0.0/-1",
        "10.0.0/8", "::1%lo",    "10.0.0.0/8x", "127.0.0.1:80"};
    assert_int_equal(network("10.0.0.0/8").prefix, 96 + 8);
    assert_int_equal(network("127.0.0.1").prefix, 128);
    assert_int_equal(network("fd00::/8").prefix, 8);
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        struct peer_network out;
        struct err err = ERR_INIT;
        if (peer_network_parse(bad[i], &out, &err)) {
            fail_msg("%s was accepted", bad[i]);
        }
        assert_int_equal(err.kind, ERR_INVALID);
    }
}

static void only_trusted_proxies_are_believed(void **state) {
    (void)state;
    struct peer_network items[] = {network("10.0.0.0/8"), network("fd00::/8")};
    const struct peer_networks trusted = {items, ARRAY_LENGTH(items)};
    static const struct {
        const char *direct, *forwarded, *behind;
    } cases[] = {
        {"192.0.2.7", "198.51.100.1", "192.0.2.7"},
        {"10.1.2.3", NULL, "10.1.2.3"},
        {"10.1.2.3", "198.51.100.1", "198.51.100.1"},
        {"10.1.2.3", "203.0.113.9, 198.51.100.1", "198.51.100.1"},
        {"10.1.2.3", "198.51.100.1, 10.9.9.9", "198.51.100.1"},
        {"10.1.2.3", "198.51.100.1, fd00::1 , 10.9.9.9", "198.51.100.1"},
        {"10.1.2.3", "unknown", "10.1.2.3"},
        {"10.1.2.3", "198.51.100.1, unknown, 10.9.9.9", "10.9.9.9"},
        {"fd00::2", "2001:db8::5", "2001:db8::5"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct peer direct = peer(cases[i].direct);
        struct peer behind = peer_behind(&direct, cases[i].forwarded, &trusted);
        char text[INET6_ADDRSTRLEN];
        peer_text(&behind, text);
        if (strcmp(text, cases[i].behind) != 0) {
            fail_msg("%s behind %s: %s", cases[i].forwarded, cases[i].direct, text);
        }
    }
}

static void a_socket_file_is_local(void **state) {
    (void)state;
    struct peer_network items[] = {network("10.0.0.0/8")};
    const struct peer_networks some = {items, 1}, none = {NULL, 0};
    struct peer local = peer_of(NULL), remote = peer("10.0.0.1");
    char text[INET6_ADDRSTRLEN];
    peer_text(&local, text);
    assert_string_equal(text, "local");
    assert_true(peer_trusted(&local, &some));
    assert_false(peer_trusted(&local, &none));
    assert_true(peer_trusted(&remote, &some));
    assert_false(peer_equal(&local, &remote));
    assert_true(peer_equal(&remote, &(struct peer){.address = items[0].address}) == false);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks_are_parsed),
        cmocka_unit_test(only_trusted_proxies_are_believed),
        cmocka_unit_test(a_socket_file_is_local),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
