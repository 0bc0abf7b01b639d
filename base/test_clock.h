/* A clock for tests: the file holds the time (RFC 3339) that the wall clock shows when the file is
 * written; it runs from then on. Only in builds with the tests. */
#ifndef LANDWAITER_BASE_TEST_CLOCK_H
#define LANDWAITER_BASE_TEST_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#ifdef LANDWAITER_TEST_HOOKS
/* Uses the file from now on. Call before threads start; path is borrowed. */
void test_clock_use(const char *path);
bool test_clock_used(void);
/* The real time at which the test's clock shows at_ms. */
int64_t test_clock_real(int64_t at_ms);
#endif

#endif
