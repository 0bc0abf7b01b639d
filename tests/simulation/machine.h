/* A machine in one thread: a fake clock, coroutines in place of threads, and a generator of random
 * numbers from which everything is drawn, so that a seed tells the whole story again. */
#ifndef LANDWAITER_TESTS_SIMULATION_MACHINE_H
#define LANDWAITER_TESTS_SIMULATION_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

/* Takes the place of threads (base/thread.h), clocks (base/clock.h) and crash places; begins at a
 * fixed instant, with no coroutine. */
void machine_begin(uint64_t seed);
void machine_end(void);

/* 0 … below-1. */
unsigned machine_draw(unsigned below);
/* True in so many of a thousand cases. */
bool machine_chance(unsigned per_mille);

int64_t machine_wall_ms(void);
int64_t machine_boot_ms(void);
/* Sets the wall clock by hand. */
void machine_set_wall(int64_t by_ms);
/* Lets time pass. */
void machine_pass(int64_t ms);

/* Runs one coroutine, drawn from those that can go on, until it yields. False: none can. */
bool machine_run(void);
/* Is every coroutine asleep until somebody wakes it? */
bool machine_idle(void);
/* How long until the first sleeper of machine_sleep wakes; INT64_MAX: there is none. */
int64_t machine_next_ms(void);

/* The number of the running coroutine, below MACHINE_COROUTINES; outside of one: 0. */
#define MACHINE_COROUTINES 64
unsigned machine_self(void);
bool machine_inside(void);
/* For the scripted world: the running coroutine's call takes that long. Outside of one: nothing. */
void machine_sleep(int64_t ms);

/* At each crash place, so many of a thousand die there; the machine is dead until machine_crash. */
void machine_crash_at(unsigned per_mille);
bool machine_dead(void);
/* As kill -9: forgets all coroutines. */
void machine_crash(void);

#endif
