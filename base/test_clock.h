/* A clock that tests set: the file holds the instant (RFC 3339) that the wall clock shows at the
 * moment the file is written; from then on it runs. Only in builds with the tests. */
#ifndef LANDWAITER_BASE_TEST_CLOCK_H
#define LANDWAITER_BASE_TEST_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#ifdef LANDWAITER_TEST_HOOKS
/* From now on, before threads start. path is borrowed. */
void test_clock_use(const char *path);
bool test_clock_used(void);
/* The real wall clock's instant at which the test's shows at_ms. */
int64_t test_clock_real(int64_t at_ms);
#endif

#endif
