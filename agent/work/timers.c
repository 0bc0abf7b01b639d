/* Arms the timers. Knows no update. */
#include "agent/work/timers.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/test_clock.h"

#define TIMERS_FAR_MS (INT64_C(365) * 24 * 3600 * 1000)

void timers_init(struct timers *timers) {
    *timers = (struct timers){
        .fds = {[TIMER_WALL] = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC),
                [TIMER_BOOT] = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC)}};
}

void timers_release(struct timers *timers) {
    for (size_t i = 0; i < TIMERS; i++) {
        own_close(&timers->fds[i]);
    }
}

static void timers_arm_one(struct timers *timers, enum timer which, int64_t at_ms) {
    struct itimerspec when = {0};
    int flags = TFD_TIMER_ABSTIME | (which == TIMER_WALL ? TFD_TIMER_CANCEL_ON_SET : 0);
    if (timers->armed_ms[which] == at_ms) {
        return;
    }
    timers->armed_ms[which] = at_ms;
    if (at_ms != INT64_MAX) {
        when.it_value = clock_timespec(at_ms > 0 ? at_ms : 1);
    } else if (which == TIMER_WALL) {
        /* Nothing is due; an armed timer still reports that the clock was set. */
        when.it_value = clock_timespec(clock_now_ms() + TIMERS_FAR_MS);
    }
    (void)timerfd_settime(timers->fds[which], flags, &when, NULL);
}

/* Arms for every time after the last kick, even one that has passed since: it may have come between
 * a worker's look and this one. The worker that the kick woke, or the next one to finish, sees what
 * was due before. */
void timers_arm(struct timers *timers, struct store *store, struct workers *workers) {
    int64_t due = store_next_due(store, timers->kicked_ms);
    int64_t again = workers_next_ms(workers, timers->kicked_boot_ms);
#ifdef LANDWAITER_TEST_HOOKS
    due = test_clock_used() && due != INT64_MAX ? test_clock_real(due) : due;
#endif
    timers_arm_one(timers, TIMER_WALL, due);
    timers_arm_one(timers, TIMER_BOOT, again);
}

void timers_kick(struct timers *timers, struct workers *workers) {
    timers->kicked_ms = clock_now_ms();
    timers->kicked_boot_ms = clock_boot_ms();
    workers_kick(workers);
}

bool timers_fired(struct timers *timers, enum timer which) {
    uint64_t count = 0;
    bool set = read(timers->fds[which], &count, sizeof count) < 0 && errno == ECANCELED;
    timers->armed_ms[which] = 0;
    return set;
}
