/* The story of one seed: its last lines, told when a promise was broken. */
#ifndef LANDWAITER_TESTS_SIMULATION_STORY_H
#define LANDWAITER_TESTS_SIMULATION_STORY_H

#include <stdbool.h>

#include "base/own.h"

/* Empty again; loud: tell each line at once. */
void story_begin(bool loud);
void story(const char *format, ...) PRINTF_LIKE(1, 2);
/* A promise was broken: the first one counts. */
void story_broken(unsigned promise, const char *format, ...) PRINTF_LIKE(2, 3);
/* The number of the promise that was broken; 0: none. */
unsigned story_which(void);
/* Prints the last lines and what was broken. */
void story_tell(void);

#endif
