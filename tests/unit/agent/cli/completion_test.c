/* The committed completions equal those made from the table of commands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/cli/completion.h"
#include "agent/cli/table.h"

#define COMPLETION_MAX (64 * 1024)

static void check(const struct completion *row) {
    static char committed[COMPLETION_MAX];
    CLEANUP(own_free) char *made = NULL;
    char path[4096];
    size_t len = 0;
    FILE *out = open_memstream(&made, &len);
    assert_non_null(out);
    row->print(command_table, out);
    assert_int_equal(fclose(out), 0);
    (void)snprintf(path, sizeof path, TEST_DATA "/../../contrib/completions/landwaiter.%s",
                   row->shell);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    size_t got = fread(committed, 1, sizeof committed - 1, file);
    assert_int_equal(fclose(file), 0);
    committed[got] = '\0';
    if (strcmp(committed, made) != 0) {
        fail_msg("contrib/completions/landwaiter.%s differs from the table: run contrib/generate",
                 row->shell);
    }
}

static void the_committed_completions_are_up_to_date(void **state) {
    size_t count = 0;
    (void)state;
    for (const struct completion *row = completion_table; row->shell; row++, count++) {
        check(row);
    }
    assert_int_equal(count, 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_committed_completions_are_up_to_date)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
