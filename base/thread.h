/* Threads with stacks of their own sizes, and waiting for a condition no longer than so long. */
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

/* A condition whose waits end by CLOCK_MONOTONIC, which is never set: with thread_after. */
void thread_condition_init(pthread_cond_t *condition);
/* When ms from now will be. */
struct timespec thread_after(int64_t ms);

#endif
