/* The two timers that wake the workers: by the wall clock for updates in the store, and since boot
 * for work that is only in memory. */
#ifndef LANDWAITER_AGENT_WORK_TIMERS_H
#define LANDWAITER_AGENT_WORK_TIMERS_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/store/store.h"
#include "agent/work/workers.h"

enum timer { TIMER_WALL, TIMER_BOOT, TIMERS };

struct timers {
    int fds[TIMERS];
    int64_t armed_ms[TIMERS];          /* 0: not armed */
    int64_t kicked_ms, kicked_boot_ms; /* the last kick, by both clocks */
};

/* Opens the descriptors; -1 where one cannot be had. */
void timers_init(struct timers *timers);
void timers_release(struct timers *timers);
/* Arms both for the next work. */
void timers_arm(struct timers *timers, struct store *store, struct workers *workers);
/* Makes the workers look for due work. */
void timers_kick(struct timers *timers, struct workers *workers);
/* A descriptor is readable. True: somebody set the clock. */
bool timers_fired(struct timers *timers, enum timer which);

#endif
