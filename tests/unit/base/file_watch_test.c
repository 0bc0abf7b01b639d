/* Watching files: reports changes by write, rename and exchanged link, and nothing else. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file_watch.h"
#include "base/own.h"

static char folder[] = "/tmp/file_watch_XXXXXX";
static char path[64], other[64];

static void put(const char *name, const char *text) {
    FILE *file = fopen(name, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static bool readable(int fd) {
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    return poll(&poll_fd, 1, 0) == 1;
}

static int make_folder(void **state) {
    (void)state;
    if (!mkdtemp(folder)) {
        return -1;
    }
    (void)snprintf(path, sizeof path, "%s/file", folder);
    (void)snprintf(other, sizeof other, "%s/other", folder);
    put(path, "one");
    return 0;
}

static int remove_folder(void **state) {
    (void)state;
    (void)unlink(path);
    (void)unlink(other);
    return rmdir(folder);
}

static void changes_are_reported(void **state) {
    (void)state;
    CLEANUP(own_close) int fd = file_watch_open();
    assert_true(fd >= 0);
    assert_true(file_watch_add(fd, path));
    assert_false(readable(fd));
    assert_false(file_watch_read(fd));

    put(path, "two");
    assert_true(readable(fd));
    assert_true(file_watch_read(fd));
    assert_false(file_watch_read(fd));

    put(other, "three");
    assert_int_equal(rename(other, path), 0);
    assert_true(file_watch_read(fd));

    assert_int_equal(symlink("file", other), 0);
    assert_true(file_watch_read(fd));
    assert_false(readable(fd));
}

static void a_missing_folder_is_refused(void **state) {
    (void)state;
    CLEANUP(own_close) int fd = file_watch_open();
    assert_true(fd >= 0);
    assert_false(file_watch_add(fd, "/nonexistent/folder/file"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_are_reported),
        cmocka_unit_test(a_missing_folder_is_refused),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
