/* Kills the process at a chosen point, for tests only. */
#include "base/crashpoint.h"

#ifdef LANDWAITER_TEST_HOOKS
#include <signal.h>
#include <stdatomic.h>

#include "base/own.h"

static void (*crashpoint_at)(const char *where);

void crashpoint_replace(void (*at)(const char *where)) {
    crashpoint_at = at;
}

void crashpoint(const char *where) {
    static atomic_int passed;
    if (crashpoint_at) {
        crashpoint_at(where);
        return;
    }
    const char *at = getenv("LANDWAITER_CRASH_AT");
    int count = atomic_fetch_add(&passed, 1) + 1;
    if (at && strtol(at, NULL, 10) == count) {
        (void)fprintf(stderr, "test.crash at %s\n", where);
        (void)raise(SIGKILL);
    }
}
#else
typedef int crashpoint_nothing; /* a translation unit must not be empty */
#endif
