/* Threads with a given stack size, locks, and condition waits with a deadline; replaceable, so that
 * the simulation runs each thread as a coroutine. */
#ifndef LANDWAITER_BASE_THREAD_H
#define LANDWAITER_BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "base/own.h"

/* stack: bytes. False: no resources; *out is untouched. */
bool thread_start(pthread_t *out, size_t stack, void *(*main)(void *argument),
                  void *argument) MUST_USE;

void thread_join(pthread_t thread);

void thread_lock(pthread_mutex_t *mutex);
void thread_unlock(pthread_mutex_t *mutex);
/* Blocks; the mutex must be held. May return without a signal. */
void thread_wait(pthread_cond_t *condition, pthread_mutex_t *mutex);
/* The same; false: the deadline has passed. */
bool thread_wait_until(pthread_cond_t *condition, pthread_mutex_t *mutex,
                       const struct timespec *until);
void thread_signal(pthread_cond_t *condition);
void thread_broadcast(pthread_cond_t *condition);

/* For the simulation only, before threads start; NULL restores the real ones. */
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

/* A condition that waits by CLOCK_MONOTONIC, which cannot be set; for thread_after. */
void thread_condition_init(pthread_cond_t *condition);
/* The deadline ms from now. */
struct timespec thread_after(int64_t ms);

#endif
