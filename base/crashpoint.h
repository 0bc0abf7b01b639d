/* Points where a test may kill the agent as `kill -9` would: call `crashpoint()` before and after
 * every store and every action. Does nothing in builds without the tests (LANDWAITER_TEST_HOOKS).
 * LANDWAITER_CRASH_AT=N dies at the N-th point. */
#ifndef LANDWAITER_BASE_CRASHPOINT_H
#define LANDWAITER_BASE_CRASHPOINT_H

#ifdef LANDWAITER_TEST_HOOKS
void crashpoint(const char *where);
/* Calls this function at each point instead; NULL: LANDWAITER_CRASH_AT decides again. */
void crashpoint_replace(void (*at)(const char *where));
#else
static inline void crashpoint(const char *where) {
    (void)where;
}
#endif

#endif
