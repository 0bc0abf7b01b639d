/* Threads: stack sizes, condition waits and their deadlines. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "base/own.h"
#include "base/thread.h"

struct shared {
    pthread_mutex_t mutex;
    pthread_cond_t condition;
    size_t stack;
    bool done;
};

static void *work(void *argument) {
    struct shared *shared = argument;
    pthread_attr_t attributes;
    assert_int_equal(pthread_getattr_np(pthread_self(), &attributes), 0);
    thread_lock(&shared->mutex);
    assert_int_equal(pthread_attr_getstacksize(&attributes, &shared->stack), 0);
    shared->done = true;
    thread_signal(&shared->condition);
    thread_unlock(&shared->mutex);
    assert_int_equal(pthread_attr_destroy(&attributes), 0);
    return NULL;
}

static void a_thread_signals(void **state) {
    (void)state;
    struct shared shared = {.mutex = PTHREAD_MUTEX_INITIALIZER};
    pthread_t thread;
    thread_condition_init(&shared.condition);
    assert_true(thread_start(&thread, (size_t)512 * 1024, work, &shared));
    struct timespec until = thread_after(60000);
    bool in_time = true;
    thread_lock(&shared.mutex);
    while (!shared.done && in_time) {
        in_time = thread_wait_until(&shared.condition, &shared.mutex, &until);
    }
    thread_unlock(&shared.mutex);
    thread_join(thread);
    assert_true(shared.done);
    /* At least as asked for; the C library may round up. */
    assert_true(shared.stack >= (size_t)512 * 1024 && shared.stack < (size_t)4 * 1024 * 1024);
}

static void a_past_deadline_ends_the_wait(void **state) {
    (void)state;
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t condition;
    thread_condition_init(&condition);
    struct timespec until = thread_after(0);
    thread_lock(&mutex);
    while (thread_wait_until(&condition, &mutex, &until)) {
    }
    thread_unlock(&mutex);
    struct timespec now;
    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
    assert_true(now.tv_sec > until.tv_sec ||
                (now.tv_sec == until.tv_sec && now.tv_nsec >= until.tv_nsec));
}

static void deadlines_carry(void **state) {
    (void)state;
    struct timespec before, until = thread_after(1999);
    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &before), 0);
    assert_in_range(until.tv_nsec, 0, 999999999);
    int64_t ahead_ms =
        (until.tv_sec - before.tv_sec) * 1000 + (until.tv_nsec - before.tv_nsec) / 1000000;
    assert_true(ahead_ms <= 1999 + 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thread_signals),
        cmocka_unit_test(a_past_deadline_ends_the_wait),
        cmocka_unit_test(deadlines_carry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
