/* A machine in one thread: a fake clock, coroutines in place of threads, and a random generator for
 * every choice, so that a seed reproduces the whole story. */
#ifndef LANDWAITER_TESTS_SIMULATION_MACHINE_H
#define LANDWAITER_TESTS_SIMULATION_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

/* Replaces threads (base/thread.h), clocks (base/clock.h) and crash points; begins at a fixed
 * instant, with no coroutine. */
void machine_begin(uint64_t seed);
void machine_end(void);

/* 0 … below-1. */
unsigned machine_draw(unsigned below);
/* True in per_mille of a thousand cases. */
bool machine_chance(unsigned per_mille);

int64_t machine_wall_ms(void);
int64_t machine_boot_ms(void);
/* Sets the wall clock by hand. */
void machine_set_wall(int64_t by_ms);
/* Advances the clocks. */
void machine_pass(int64_t ms);

/* Runs one random ready coroutine until it yields. False: none is ready. */
bool machine_run(void);
/* Are all coroutines asleep until another one wakes them? */
bool machine_idle(void);
/* Time to the first end of a machine_sleep; INT64_MAX: none. */
int64_t machine_next_ms(void);

/* The number of the running coroutine, below MACHINE_COROUTINES; outside of coroutines 0. */
#define MACHINE_COROUTINES 64
unsigned machine_self(void);
bool machine_inside(void);
/* Lets a call of the scripted world take that long. Does nothing outside of coroutines. */
void machine_sleep(int64_t ms);

/* Dies at each crash point with that probability; the machine is dead until machine_crash. */
void machine_crash_at(unsigned per_mille);
bool machine_dead(void);
/* Like kill -9: drops all coroutines. */
void machine_crash(void);

#endif
