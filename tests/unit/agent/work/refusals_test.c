/* Refusals: the first of each reason and address is told at once, the others in sum. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/work/refusals.h"
#include "base/log.h"

static int real_stderr = -1, ends[2];
static char text[64 * 1024];

static int capture(void **state) {
    (void)state;
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
        return -1;
    }
    log_configure(LOG_INFO, LOG_LOGFMT);
    real_stderr = dup(STDERR_FILENO);
    (void)dup2(ends[1], STDERR_FILENO);
    return 0;
}

static int let_go(void **state) {
    (void)state;
    (void)dup2(real_stderr, STDERR_FILENO);
    (void)close(real_stderr);
    (void)close(ends[0]);
    (void)close(ends[1]);
    return 0;
}

static const char *told(void) {
    ssize_t len = read(ends[0], text, sizeof text - 1);
    text[len > 0 ? len : 0] = '\0';
    return text;
}

static size_t lines(const char *of) {
    size_t count = 0;
    for (const char *at = of; (at = strchr(at, '\n')) != NULL; at++) {
        count++;
    }
    return count;
}

static void refuse(struct refusals *refusals, const char *what, const char *peer, int64_t at_ms) {
    const struct webhook_event event = {.what = what, .peer = peer, .detail = "why"};
    refusals_add(refusals, &event, at_ms);
}

static void the_first_is_told_at_once(void **state) {
    (void)state;
    struct refusals refusals = {0};
    refuse(&refusals, "unauthorized", "192.0.2.7", 100000);
    const char *said = told();
    assert_non_null(strstr(said, "event=hook.refused what=unauthorized sender=- peer=192.0.2.7 "
                                 "detail=why\n"));
    refuse(&refusals, "framing", "192.0.2.7", 100001);
    refuse(&refusals, "unauthorized", "192.0.2.8", 100002);
    assert_int_equal(lines(told()), 2);
}

static void repeated_ones_are_summed(void **state) {
    (void)state;
    struct refusals refusals = {0};
    for (int i = 0; i < 2600; i++) {
        refuse(&refusals, "unauthorized", "192.0.2.7", 100000 + i);
    }
    assert_int_equal(lines(told()), 1);
    refusals_quiet(&refusals, 104000);
    const char *said = told();
    assert_int_equal(lines(said), 1);
    assert_non_null(strstr(said, "event=hook.refusals what=unauthorized sender=- peer=192.0.2.7 "
                                 "count=2599 seconds=4\n"));
    /* Somebody who pauses again and again gets no line each time. */
    for (int64_t at = 104500; at < 113000; at += 1500) {
        refuse(&refusals, "unauthorized", "192.0.2.7", at);
        refusals_quiet(&refusals, at + 1000);
    }
    assert_int_equal(lines(told()), 0);
    refusals_quiet(&refusals, 114000);
    assert_non_null(strstr(told(), "count=6 seconds=10\n"));
    refusals_end(&refusals, 115000);
    assert_string_equal(told(), "");
}

static void a_minute_of_many_addresses_is_a_page(void **state) {
    (void)state;
    struct refusals refusals = {0};
    size_t count = 0;
    for (int64_t at = 0; at < 60000; at++) {
        char peer[32];
        (void)snprintf(peer, sizeof peer, "10.0.%d.%d", (int)(at / 250), (int)(at % 250));
        refuse(&refusals, "unauthorized", peer, 100000 + at);
        if (at % 1000 == 0) {
            count += lines(told());
        }
    }
    assert_int_equal(count + lines(told()), REFUSALS_AT_ONCE);
    refuse(&refusals, "unauthorized", "10.9.9.9", 160000);
    const char *said = told();
    assert_int_equal(lines(said), REFUSALS_ROWS - REFUSALS_AT_ONCE + 2);
    assert_non_null(strstr(said, "what=any sender=- peer=others count=59936 seconds=60\n"));
    assert_non_null(strstr(said, "event=hook.refused what=unauthorized sender=- peer=10.9.9.9"));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, capture, let_go)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(the_first_is_told_at_once),
        TEST(repeated_ones_are_summed),
        TEST(a_minute_of_many_addresses_is_a_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
