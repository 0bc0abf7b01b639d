/* Secrets: sources, limits, and comparison. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/secret.h"

static char folder[64];

static int make_folder(void **state) {
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/secret_test.XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
    (void)state;
    return rmdir(folder);
}

static const char *path_of(const char *name) {
    static char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void write_file(const char *name, const void *bytes, size_t len) {
    FILE *file = fopen(path_of(name), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

static bool read_bytes(struct secret *out, const void *bytes, size_t len, struct err *err) {
    write_file("key", bytes, len);
    bool done = secret_read_file(out, path_of("key"), err);
    assert_int_equal(unlink(path_of("key")), 0);
    return done;
}

static void set_copies_and_closes(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    CLEANUP(secret_release) struct secret secret = SECRET_INIT;
    char text[] = "hunter2";
    assert_true(secret_set(&secret, text, 7, &err));
    text[0] = 'X';
    assert_int_equal(secret.len, 7);
    assert_memory_equal(secret.bytes, "hunter2", 8);
    assert_true(secret_set(&secret, "b", 1, &err));
    assert_memory_equal(secret.bytes, "b", 2);
    assert_true(secret_set(&secret, NULL, 0, &err));
    assert_int_equal(secret.len, 0);
    assert_non_null(secret.bytes);
    secret_release(&secret);
    assert_null(secret.bytes);
    secret_release(&secret);
}

static void set_is_bounded(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    static char bytes[SECRET_MAX + 1];
    CLEANUP(secret_release) struct secret secret = SECRET_INIT;
    assert_true(secret_set(&secret, "old", 3, &err));
    assert_false(secret_set(&secret, bytes, sizeof bytes, &err));
    assert_int_equal(err.kind, ERR_INVALID);
    assert_memory_equal(secret.bytes, "old", 4);
    assert_true(secret_set(&secret, bytes, SECRET_MAX, &err));
}

static void files_lose_one_line_end(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
        const char *secret;
        size_t secret_len;
    } cases[] = {{"a", 1, "a", 1},         {"a\n", 2, "a", 1},      {"a\r\n", 3, "a", 1},
                 {"a\n\n", 3, "a\n", 2},   {"a\r", 2, "a\r", 2},    {" a ", 3, " a ", 3},
                 {"a\0b\n", 4, "a\0b", 3}, {"a\nb\n", 4, "a\nb", 3}};
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct err err = ERR_INIT;
        CLEANUP(secret_release) struct secret secret = SECRET_INIT;
        assert_true(read_bytes(&secret, cases[i].bytes, cases[i].len, &err));
        assert_int_equal(secret.len, cases[i].secret_len);
        assert_memory_equal(secret.bytes, cases[i].secret, cases[i].secret_len + 1);
    }
}

static void empty_files_are_refused(void **state) {
    (void)state;
    static const char *const cases[] = {"", "\n", "\r\n"};
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct err err = ERR_INIT;
        struct secret secret = SECRET_INIT;
        assert_false(read_bytes(&secret, cases[i], strlen(cases[i]), &err));
        assert_int_equal(err.kind, ERR_INVALID);
        assert_null(secret.bytes);
    }
}

static void files_are_bounded(void **state) {
    (void)state;
    static char bytes[SECRET_MAX + 1];
    memset(bytes, 'k', sizeof bytes);
    struct err err = ERR_INIT;
    CLEANUP(secret_release) struct secret secret = SECRET_INIT;
    assert_true(read_bytes(&secret, bytes, SECRET_MAX, &err));
    assert_int_equal(secret.len, SECRET_MAX);
    assert_false(read_bytes(&secret, bytes, SECRET_MAX + 1, &err));
    assert_int_equal(err.kind, ERR_INVALID);
    assert_null(strstr(err.message, "kkkk"));
    assert_int_equal(secret.len, SECRET_MAX);
}

static void endless_files_end(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    struct secret secret = SECRET_INIT;
    assert_false(secret_read_file(&secret, "/dev/zero", &err));
    assert_int_equal(err.kind, ERR_INVALID);
}

static void failures_have_kinds_and_name_the_path(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    struct secret secret = SECRET_INIT;
    assert_false(secret_read_file(&secret, path_of("nothing"), &err));
    assert_int_equal(err.kind, ERR_GONE);
    assert_non_null(strstr(err.message, path_of("nothing")));
    assert_false(secret_read_file(&secret, folder, &err));
    assert_int_equal(err.kind, ERR_INVALID);
    assert_null(secret.bytes);
}

static void environment_is_read(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    CLEANUP(secret_release) struct secret secret = SECRET_INIT;
    assert_int_equal(setenv("SECRET_TEST", "hunter2\n", 1), 0);
    assert_true(secret_read_env(&secret, "SECRET_TEST", &err));
    assert_memory_equal(secret.bytes, "hunter2\n", 9);
    assert_int_equal(setenv("SECRET_TEST", "", 1), 0);
    assert_false(secret_read_env(&secret, "SECRET_TEST", &err));
    assert_int_equal(err.kind, ERR_INVALID);
    assert_int_equal(unsetenv("SECRET_TEST"), 0);
    assert_false(secret_read_env(&secret, "SECRET_TEST", &err));
    assert_int_equal(err.kind, ERR_GONE);
    assert_int_equal(secret.len, 8);
}

static void credentials_are_files_of_one_folder(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    CLEANUP(secret_release) struct secret secret = SECRET_INIT;
    assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
    assert_false(secret_read_credential(&secret, "ci", &err));
    assert_int_equal(err.kind, ERR_GONE);
    assert_int_equal(setenv("CREDENTIALS_DIRECTORY", folder, 1), 0);
    assert_false(secret_read_credential(&secret, "ci", &err));
    assert_int_equal(err.kind, ERR_GONE);
    write_file("ci", "s3cret\n", 7);
    assert_true(secret_read_credential(&secret, "ci", &err));
    assert_memory_equal(secret.bytes, "s3cret", 7);
    assert_int_equal(unlink(path_of("ci")), 0);
    static const char *const names[] = {"", ".", "..", "../ci", "/etc/passwd", "a/b"};
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        assert_false(secret_read_credential(&secret, names[i], &err));
        assert_int_equal(err.kind, ERR_INVALID);
    }
}

static void equal_means_every_byte(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    CLEANUP(secret_release) struct secret secret = SECRET_INIT;
    assert_false(secret_equal(&secret, "", 0));
    assert_true(secret_set(&secret, "hunter2", 7, &err));
    assert_true(secret_equal(&secret, "hunter2", 7));
    assert_false(secret_equal(&secret, "hunter2", 6));
    assert_false(secret_equal(&secret, "hunter2", 8));
    assert_false(secret_equal(&secret, "Hunter2", 7));
    assert_false(secret_equal(&secret, "", 0));
    assert_true(secret_set(&secret, "", 0, &err));
    assert_false(secret_equal(&secret, "", 0));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(set_copies_and_closes),
        cmocka_unit_test(set_is_bounded),
        cmocka_unit_test(files_lose_one_line_end),
        cmocka_unit_test(empty_files_are_refused),
        cmocka_unit_test(files_are_bounded),
        cmocka_unit_test(endless_files_end),
        cmocka_unit_test(failures_have_kinds_and_name_the_path),
        cmocka_unit_test(environment_is_read),
        cmocka_unit_test(credentials_are_files_of_one_folder),
        cmocka_unit_test(equal_means_every_byte),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
