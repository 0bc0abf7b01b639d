/* The committed completion is the one that the table of commands makes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/cli/completion.h"

#define COMPLETION_MAX (64 * 1024)

static void the_committed_completion_is_up_to_date(void **state) {
    (void)state;
    static char committed[COMPLETION_MAX];
    CLEANUP(own_free) char *made = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&made, &len);
    assert_non_null(out);
    completion_print_bash(out);
    assert_int_equal(fclose(out), 0);
    FILE *file = fopen(TEST_DATA "/../../contrib/completions/landwaiter.bash", "re");
    assert_non_null(file);
    size_t got = fread(committed, 1, sizeof(committed) - 1, file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(got, len);
    assert_string_equal(committed, made);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_committed_completion_is_up_to_date)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
