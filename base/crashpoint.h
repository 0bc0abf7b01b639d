/* Places where a test may kill the agent as `kill -9` would: `crashpoint()` before and after
 * whatever is stored or done. Only in builds with the tests (LANDWAITER_TEST_HOOKS); elsewhere it
 * is nothing. LANDWAITER_CRASH_AT=N dies at the N-th one. */
#ifndef LANDWAITER_BASE_CRASHPOINT_H
#define LANDWAITER_BASE_CRASHPOINT_H

#ifdef LANDWAITER_TEST_HOOKS
void crashpoint(const char *where);
/* Calls this at each place instead; NULL: the variable decides again. */
void crashpoint_replace(void (*at)(const char *where));
#else
static inline void crashpoint(const char *where) {
    (void)where;
}
#endif

#endif
