/* Connections of the control API: too many, and the oldest that has proved nothing gives way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/socket.h>
#include <unistd.h>

#include "agent/control/links.h"

#define COUNT 4

static struct links links;
static int ends[COUNT][2];
static struct link *made[COUNT];

static bool is_open(size_t i) {
    char byte;
    return recv(ends[i][1], &byte, 1, MSG_DONTWAIT) < 0;
}

static void add(size_t i, size_t max) {
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends[i]), 0);
    made[i] = link_new(&links, ends[i][0], max);
    assert_non_null(made[i]);
}

static void drop(size_t i) {
    link_free(&links, made[i]);
    (void)close(ends[i][0]);
    (void)close(ends[i][1]);
}

static void the_oldest_unproven_gives_way(void **state) {
    (void)state;
    links_init(&links);
    add(0, 3);
    add(1, 3);
    add(2, 3);
    link_prove(&links, made[0], true);
    assert_true(is_open(0) && is_open(1) && is_open(2));
    add(3, 3);
    assert_true(is_open(0) && !is_open(1) && is_open(2) && is_open(3));
    drop(1);
    add(1, 3);
    assert_true(is_open(0) && is_open(1) && !is_open(2) && is_open(3));
    for (size_t i = 0; i < COUNT; i++) {
        drop(i);
    }
    assert_null(links.newest);
    links_release(&links);
}

static void the_proven_stay(void **state) {
    (void)state;
    links_init(&links);
    for (size_t i = 0; i < COUNT; i++) {
        add(i, COUNT);
        link_prove(&links, made[i], true);
    }
    drop(3);
    add(3, 3); /* nobody can give way but itself */
    assert_true(is_open(0) && is_open(1) && is_open(2) && is_open(3));
    link_prove(&links, made[1], false);
    drop(3);
    add(3, 3);
    assert_true(is_open(0) && !is_open(1) && is_open(2) && is_open(3));
    for (size_t i = 0; i < COUNT; i++) {
        drop(i);
    }
    link_free(&links, NULL);
    links_release(&links);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_oldest_unproven_gives_way),
        cmocka_unit_test(the_proven_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
