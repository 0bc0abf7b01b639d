/* Starting threads. */
#include "base/thread.h"

#include <errno.h>

#include "base/clock.h"

static const struct thread_source *replaced; /* NULL: POSIX threads */

void thread_replace(const struct thread_source *source) {
    replaced = source;
}

bool thread_start(pthread_t *out, size_t stack, void *(*main)(void *argument), void *argument) {
    pthread_attr_t attributes;
    pthread_t thread;
    if (replaced) {
        return replaced->start(out, main, argument);
    }
    (void)pthread_attr_init(&attributes);
    (void)pthread_attr_setstacksize(&attributes, stack);
    bool started = pthread_create(&thread, &attributes, main, argument) == 0;
    (void)pthread_attr_destroy(&attributes);
    if (started) {
        *out = thread;
    }
    return started;
}

void thread_join(pthread_t thread) {
    if (replaced) {
        replaced->join(thread);
    } else {
        (void)pthread_join(thread, NULL);
    }
}

void thread_lock(pthread_mutex_t *mutex) {
    if (replaced) {
        replaced->lock(mutex);
    } else {
        (void)pthread_mutex_lock(mutex);
    }
}

void thread_unlock(pthread_mutex_t *mutex) {
    if (replaced) {
        replaced->unlock(mutex);
    } else {
        (void)pthread_mutex_unlock(mutex);
    }
}

void thread_wait(pthread_cond_t *condition, pthread_mutex_t *mutex) {
    if (replaced) {
        replaced->wait(condition, mutex);
    } else {
        (void)pthread_cond_wait(condition, mutex);
    }
}

bool thread_wait_until(pthread_cond_t *condition, pthread_mutex_t *mutex,
                       const struct timespec *until) {
    if (replaced) {
        replaced->wait(condition, mutex);
        return true;
    }
    return pthread_cond_timedwait(condition, mutex, until) != ETIMEDOUT;
}

void thread_signal(pthread_cond_t *condition) {
    if (replaced) {
        replaced->signal(condition);
    } else {
        (void)pthread_cond_signal(condition);
    }
}

void thread_broadcast(pthread_cond_t *condition) {
    if (replaced) {
        replaced->broadcast(condition);
    } else {
        (void)pthread_cond_broadcast(condition);
    }
}

void thread_condition_init(pthread_cond_t *condition) {
    pthread_condattr_t attributes;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(condition, &attributes);
    (void)pthread_condattr_destroy(&attributes);
}

struct timespec thread_after(int64_t ms) {
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t now_ms = clock_of_timespec(&now);
    struct timespec until = clock_timespec(ms < INT64_MAX - now_ms ? now_ms + ms : INT64_MAX);
    until.tv_nsec += until.tv_nsec % 1000000 == 0 ? now.tv_nsec % 1000000 : 0; /* never early */
    return until;
}
