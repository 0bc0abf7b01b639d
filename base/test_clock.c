/* The tests' wall clock: owns the file's path. Leaves CLOCK_BOOTTIME alone. */
#include "base/test_clock.h"

#ifdef LANDWAITER_TEST_HOOKS
#include <sys/stat.h>

#include "base/clock.h"

static const char *test_clock_path;

static int64_t test_clock_real_now(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return clock_of_timespec(&now);
}

/* The offset of the test's clock from the real one; 0: the file has no time. */
static int64_t test_clock_offset(void) {
    FILE *file = fopen(test_clock_path, "re");
    char text[64] = "";
    struct stat about;
    int64_t at = 0;
    bool read = file && fgets(text, sizeof text, file) && fstat(fileno(file), &about) == 0;
    if (file) {
        (void)fclose(file);
    }
    text[strcspn(text, "\n")] = '\0';
    if (!read || !clock_parse(text, &at)) {
        return 0;
    }
    return at - clock_of_timespec(&about.st_mtim);
}

static int64_t test_clock_now(void) {
    return test_clock_real_now() + test_clock_offset();
}

static int64_t test_clock_boot(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_BOOTTIME, &now);
    return clock_of_timespec(&now);
}

void test_clock_use(const char *path) {
    static const struct clock_source source = {test_clock_now, test_clock_boot};
    test_clock_path = path;
    clock_replace(&source);
}

bool test_clock_used(void) {
    return test_clock_path != NULL;
}

int64_t test_clock_real(int64_t at_ms) {
    return at_ms - test_clock_offset();
}
#else
typedef int test_clock_nothing; /* a translation unit must not be empty */
#endif
