/* Returned memory: fewer pages are resident, and the program still works. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/digest.h"
#include "base/memory.h"

/* Kilobytes of mapped file pages, from /proc/self/status. */
static long file_pages(void) {
    FILE *status = fopen("/proc/self/status", "re");
    assert_non_null(status);
    char line[256];
    long found = -1;
    while (found < 0 && fgets(line, sizeof line, status)) {
        if (strncmp(line, "RssFile:", 8) == 0) {
            found = strtol(line + 8, NULL, 10);
        }
    }
    (void)fclose(status);
    return found;
}

/* Uses program text, constants and relocated data of several libraries. */
static void work(void) {
    char text[DIGEST_TEXT_SIZE];
    digest_of("abc", 3, text);
    assert_string_equal(text, "sha256:ba7816bf8f01cfea414140de5dae2223"
                              "b00361a396177a9cb410ff61f20015ad");
}

static void file_pages_go_and_come_back(void **state) {
    (void)state;
    work();
    long before = file_pages();
    memory_give_back();
    long after = file_pages();
    assert_true(before > 0);
    assert_true(after < before);
    work();
    memory_give_back();
    work();
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(file_pages_go_and_come_back)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
