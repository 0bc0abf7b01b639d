/* Threads with stacks of their own sizes, locks, and waiting for a condition no longer than so
 * long; replaceable, so that the simulation runs each thread as a coroutine. */
#ifndef LANDWAITER_BASE_THREAD_H
#define LANDWAITER_BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "base/own.h"

/* stack: bytes. False: the system has no room for another; *out is untouched. */
bool thread_start(pthread_t *out, size_t stack, void *(*main)(void *argument),
                  void *argument) MUST_USE;

void thread_join(pthread_t thread);

void thread_lock(pthread_mutex_t *mutex);
void thread_unlock(pthread_mutex_t *mutex);
/* Blocking, with the mutex held; may return without a signal. */
void thread_wait(pthread_cond_t *condition, pthread_mutex_t *mutex);
/* The same; false: that time has come. */
bool thread_wait_until(pthread_cond_t *condition, pthread_mutex_t *mutex,
                       const struct timespec *until);
void thread_signal(pthread_cond_t *condition);
void thread_broadcast(pthread_cond_t *condition);

/* For the simulation only, before threads start; NULL puts the real ones back. */
struct thread_source {
    bool (*start)(pthread_t *out, void *(*main)(void *argument), void *argument);
    void (*join)(pthread_t thread);
    void (*lock)(pthread_mutex_t *mutex);
    void (*unlock)(pthread_mutex_t *mutex);
    void (*wait)(pthread_cond_t *condition, pthread_mutex_t *mutex);
    void (*signal)(pthread_cond_t *condition);
    void (*broadcast)(pthread_cond_t *condition);
};
void thread_replace(const struct thread_source *source);

/* A condition whose waits end by CLOCK_MONOTONIC, which is never set: with thread_after. */
void thread_condition_init(pthread_cond_t *condition);
/* When ms from now will be. */
struct timespec thread_after(int64_t ms);

#endif
