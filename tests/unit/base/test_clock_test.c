/* The clock for tests: follows its file, and falls back to the real one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/test_clock.h"

static char path[] = "/tmp/test_clock_XXXXXX";

static void put(const char *text) {
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int64_t real_ms(void) {
    struct timespec now;
    assert_int_equal(clock_gettime(CLOCK_REALTIME, &now), 0);
    return clock_of_timespec(&now);
}

static void follows_the_file(void **state) {
    (void)state;
    int64_t set_ms = 0;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(close(fd), 0);
    test_clock_use(path);
    assert_true(test_clock_used());

    assert_true(clock_parse("2031-02-03T04:05:06Z", &set_ms));
    put("2031-02-03T04:05:06Z\n");
    int64_t shown_ms = clock_now_ms();
    assert_true(shown_ms >= set_ms - 1000 && shown_ms < set_ms + 60000);
    int64_t real_at_ms = test_clock_real(shown_ms);
    assert_true(real_at_ms > real_ms() - 60000 && real_at_ms <= real_ms() + 1000);

    put("no time\n");
    shown_ms = clock_now_ms();
    assert_true(shown_ms > real_ms() - 60000 && shown_ms <= real_ms());

    assert_int_equal(unlink(path), 0);
    clock_replace(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(follows_the_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
