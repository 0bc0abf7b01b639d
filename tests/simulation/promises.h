/* The promises (docs/testing.md), checked against the real state of the world. */
#ifndef LANDWAITER_TESTS_SIMULATION_PROMISES_H
#define LANDWAITER_TESTS_SIMULATION_PROMISES_H

#include "agent/store/store.h"

/* Installs the checks in the world. */
void promises_begin(void);
/* Call when all coroutines sleep: every sleeping update must have a reason, and every ended target
 * must match its result. */
void promises_at_rest(void);
/* Call when the world is healthy and all pushes have arrived. */
void promises_at_end(void);

#endif
