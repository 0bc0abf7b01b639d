/* Starting threads. */
#include "base/thread.h"

#include "base/clock.h"

bool thread_start(pthread_t *out, size_t stack, void *(*main)(void *argument), void *argument) {
    pthread_attr_t attributes;
    pthread_t thread;
    (void)pthread_attr_init(&attributes);
    (void)pthread_attr_setstacksize(&attributes, stack);
    bool started = pthread_create(&thread, &attributes, main, argument) == 0;
    (void)pthread_attr_destroy(&attributes);
    if (started) {
        *out = thread;
    }
    return started;
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
