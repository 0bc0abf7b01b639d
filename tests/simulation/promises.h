/* The promises (docs/testing.md), checked against what really happened in the world. */
#ifndef LANDWAITER_TESTS_SIMULATION_PROMISES_H
#define LANDWAITER_TESTS_SIMULATION_PROMISES_H

#include "agent/store/store.h"

/* Hooks itself into the world. */
void promises_begin(void);
/* All coroutines rest: who sleeps has a reason, and what has ended is as its result says. */
void promises_at_rest(void);
/* The world is healthy and nothing more comes. */
void promises_at_end(void);

#endif
