/* The story of one seed: its last lines, printed if a promise is broken. */
#ifndef LANDWAITER_TESTS_SIMULATION_STORY_H
#define LANDWAITER_TESTS_SIMULATION_STORY_H

#include <stdbool.h>

#include "base/own.h"

/* Starts a new story; loud: print each line at once. */
void story_begin(bool loud);
void story(const char *format, ...) PRINTF_LIKE(1, 2);
/* Reports a broken promise; only the first one counts. */
void story_broken(unsigned promise, const char *format, ...) PRINTF_LIKE(2, 3);
/* The number of the broken promise; 0: none. */
unsigned story_which(void);
/* Prints the last lines and the broken promise. */
void story_tell(void);

#endif
