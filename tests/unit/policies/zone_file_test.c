/* Files of time zones: names that never leave the database, and files that are none. */
#include "policies/zone_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/landwaiter-zones-XXXXXX";

static int setup(void **state) {
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/landwaiter-zones-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state) {
    (void)state;
    return rmdir(folder);
}

static const char *in_folder(const char *name) {
    static char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static bool reads(const char *name, const char *extra, size_t *len, struct err *err) {
    uint8_t *bytes = NULL;
    *len = 0;
    bool read = zone_file_read(name, extra, &bytes, len, err);
    assert_int_equal(bytes != NULL, read);
    free(bytes);
    return read;
}

static void write_file(const char *name, size_t size) {
    static const char block[4096];
    FILE *file = fopen(in_folder(name), "we");
    assert_non_null(file);
    for (size_t left = size; left > 0;) {
        size_t piece = left < sizeof block ? left : sizeof block;
        assert_int_equal(fwrite(block, 1, piece, file), piece);
        left -= piece;
    }
    assert_int_equal(fclose(file), 0);
}

static void names_never_leave_the_database(void **state) {
    (void)state;
    static const char *const bad[] = {
        "",
        "/etc/passwd",
        "..",
        "../x",
        "a/../../x",
        "a//b",
        "a/",
        ".",
        "a.b",
        "a b",
        "a\n",
        "localtime",
        "posixrules",
        "Factory",
        "right/UTC",
        "posix/UTC",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    size_t len = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        struct err err = ERR_INIT;
        assert_false(reads(bad[i], folder, &len, &err));
        assert_int_equal(err.kind, ERR_INVALID);
        assert_non_null(strstr(err.message, "Europe/Berlin"));
    }
}

static void a_file_is_read_whole_up_to_its_limit(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    size_t len = 0;
    write_file("Here", ZONE_FILE_MAX - 1);
    assert_true(reads("Here", folder, &len, &err));
    assert_int_equal(len, ZONE_FILE_MAX - 1);
    write_file("Here", ZONE_FILE_MAX);
    assert_false(reads("Here", folder, &len, &err));
    assert_non_null(strstr(err.message, "cannot be read"));
    write_file("Here", 0);
    assert_true(reads("Here", folder, &len, &err)); /* the parser refuses it */
    assert_int_equal(len, 0);
    assert_false(reads("Here", NULL, &len, &err));
    assert_non_null(strstr(err.message, "\"Here\" is not a known time zone"));
    assert_int_equal(unlink(in_folder("Here")), 0);
}

static void what_is_no_file_is_told_apart(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    size_t len = 0;
    assert_int_equal(mkdir(in_folder("Area"), 0700), 0);
    assert_false(reads("Area", folder, &len, &err));
    assert_non_null(strstr(err.message, "a folder of time zones"));
    assert_int_equal(rmdir(in_folder("Area")), 0);
    /* A pipe must not block. */
    assert_int_equal(mkfifo(in_folder("Pipe"), 0600), 0);
    assert_false(reads("Pipe", folder, &len, &err));
    assert_int_equal(unlink(in_folder("Pipe")), 0);
    /* A file in place of a folder is a missing zone. */
    write_file("File", 1);
    assert_false(reads("File/Zone", folder, &len, &err));
    assert_non_null(strstr(err.message, "not a known time zone"));
    assert_int_equal(unlink(in_folder("File")), 0);
    /* A link that leads nowhere, too. */
    assert_int_equal(symlink("nowhere", in_folder("Link")), 0);
    assert_false(reads("Link", folder, &len, &err));
    assert_int_equal(unlink(in_folder("Link")), 0);
}

static void the_database_stands_above_the_other_folder(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    size_t len = 0;
    write_file("UTC", 1);
    assert_true(reads("UTC", folder, &len, &err));
    assert_true(len > 1);
    assert_int_equal(unlink(in_folder("UTC")), 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(names_never_leave_the_database),
        TEST(a_file_is_read_whole_up_to_its_limit),
        TEST(what_is_no_file_is_told_apart),
        TEST(the_database_stands_above_the_other_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
