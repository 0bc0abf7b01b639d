/* Crash points: count, and kill the process at the chosen one. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/crashpoint.h"
#include "base/own.h"

static int status_after(int points) {
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        for (int i = 0; i < points; i++) {
            crashpoint("test");
        }
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void kills_at_the_chosen_point(void **state) {
    (void)state;
    assert_int_equal(setenv("LANDWAITER_CRASH_AT", "3", 1), 0);
    int two = status_after(2), three = status_after(3);
    assert_int_equal(unsetenv("LANDWAITER_CRASH_AT"), 0);
    assert_true(WIFEXITED(two) && WEXITSTATUS(two) == 0);
    assert_true(WIFSIGNALED(three) && WTERMSIG(three) == SIGKILL);
}

static const char *reached;

static void note(const char *where) {
    reached = where;
}

static void calls_the_replacement(void **state) {
    (void)state;
    crashpoint_replace(note);
    crashpoint("here");
    crashpoint_replace(NULL);
    assert_non_null(reached);
    assert_string_equal(reached, "here");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kills_at_the_chosen_point),
        cmocka_unit_test(calls_the_replacement),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
