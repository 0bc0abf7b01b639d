/* The short-lived cache: what it gives back, for how long, and what it replaces. */
#include "agent/platforms/kubernetes/fresh.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"

static int64_t boot_ms = 1000000;
static struct fresh fresh;

static int64_t boot(void) {
    return boot_ms;
}

static int setup(void **state) {
    static const struct clock_source standing = {.boot_ms = boot};
    (void)state;
    clock_replace(&standing);
    fresh_init(&fresh);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    fresh_release(&fresh);
    clock_replace(NULL);
    return 0;
}

static void put(const char *name, int value) {
    json_t *object = json_integer(value);
    fresh_put(&fresh, name, object);
    json_decref(object);
}

/* The value under that name; -1: none. */
static int got(const char *name) {
    json_t *object = fresh_get(&fresh, name);
    int value = object ? (int)json_integer_value(object) : -1;
    json_decref(object);
    return value;
}

static void gives_back_the_newest(void **state) {
    (void)state;
    assert_int_equal(got("a"), -1);
    assert_int_equal(got(""), -1);
    put("a", 1);
    put("b", 2);
    put("a", 3);
    assert_int_equal(got("a"), 3);
    assert_int_equal(got("b"), 2);
    assert_int_equal(got("c"), -1);
    assert_int_equal(got(""), -1);
}

static void forgets_after_two_seconds(void **state) {
    (void)state;
    put("a", 1);
    boot_ms += FRESH_MS - 1;
    assert_int_equal(got("a"), 1);
    put("b", 2);
    boot_ms += 1;
    assert_int_equal(got("a"), -1);
    assert_int_equal(got("b"), 2);
    put("a", 3);
    assert_int_equal(got("a"), 3);
}

/* Objects may be large, and nobody may ask for them again. */
static void what_is_too_old_is_freed_at_the_next_put(void **state) {
    (void)state;
    json_t *object = json_object();
    fresh_put(&fresh, "a", object);
    assert_int_equal(object->refcount, 2);
    boot_ms += FRESH_MS;
    put("b", 1);
    assert_int_equal(object->refcount, 1);
    json_decref(object);
}

static void an_object_that_may_have_changed_is_dropped(void **state) {
    (void)state;
    put("a", 1);
    put("b", 2);
    fresh_forget(&fresh, "c");
    fresh_forget(&fresh, "a");
    assert_int_equal(got("a"), -1);
    assert_int_equal(got("b"), 2);
    /* An answer without an object drops as well. */
    fresh_put(&fresh, "b", NULL);
    assert_int_equal(got("b"), -1);
}

static void one_that_was_taken_is_gone(void **state) {
    (void)state;
    put("a", 1);
    json_t *taken = fresh_take(&fresh, "a");
    assert_int_equal(json_integer_value(taken), 1);
    json_decref(taken);
    assert_null(fresh_take(&fresh, "a"));
    assert_int_equal(got("a"), -1);
}

static void the_oldest_makes_room(void **state) {
    (void)state;
    char name[16];
    for (int i = 0; i < FRESH_COUNT + 3; i++) {
        (void)snprintf(name, sizeof name, "n%d", i);
        boot_ms++;
        put(name, i);
    }
    assert_int_equal(got("n0"), -1);
    assert_int_equal(got("n2"), -1);
    assert_int_equal(got("n3"), 3);
    assert_int_equal(got(name), FRESH_COUNT + 2);
    /* A place that was dropped is used before one that is in use. */
    fresh_forget(&fresh, "n50");
    put("new", 7);
    assert_int_equal(got("new"), 7);
    assert_int_equal(got("n3"), 3);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(gives_back_the_newest),
        TEST(forgets_after_two_seconds),
        TEST(what_is_too_old_is_freed_at_the_next_put),
        TEST(an_object_that_may_have_changed_is_dropped),
        TEST(one_that_was_taken_is_gone),
        TEST(the_oldest_makes_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
