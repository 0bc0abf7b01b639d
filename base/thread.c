/* Starting threads. */
#include "base/thread.h"

#define NS_PER_S 1000000000

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
    struct timespec until = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += ms % 1000 * 1000000;
    if (until.tv_nsec >= NS_PER_S) {
        until.tv_sec++;
        until.tv_nsec -= NS_PER_S;
    }
    return until;
}
