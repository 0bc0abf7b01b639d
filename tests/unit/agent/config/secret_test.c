/* Secrets: their forms, and that no fault ever repeats one. */
#include <sys/stat.h>

#include "tests/unit/agent/config/parsed.h"

#define BEARER(secret)                                                                             \
    "senders:\n  - {name: ci, images: [\"ghcr.io/brian/*\"], auth: {bearer: {secret: " secret      \
    "}}}\n"

static void each_form_is_read(void **state) {
    (void)state;
    config_drop(parsed(BEARER("{env: PARSED_SECRET}"), NULL));
    config_drop(parsed(BEARER("a-literal-of-thirty-two-characters"),
                       "warning: `secret`: everybody who may read this file"));
    config_drop(parsed(BEARER("a-short-one"), "is shorter than 16 bytes"));
    (void)setenv("PARSED_SECRET", "0123456789abcde", 1);
    config_drop(parsed(BEARER("{env: PARSED_SECRET}"), "is shorter than 16 bytes"));
    (void)setenv("PARSED_SECRET", "0123456789abcdef", 1);
    config_drop(parsed(BEARER("{env: PARSED_SECRET}"), NULL));
}

static void faults_have_words(void **state) {
    (void)state;
    static const struct {
        const char *secret, *words;
    } rows[] = {
        {"", "`secret` has no value"},
        {"~", "`secret` has no value"},
        {"''", "`secret` has the wrong type"},
        {"{}", "write exactly one of {file: PATH}"},
        {"{file: /dev/null, env: X}", "write exactly one of {file: PATH}"},
        {"{files: /dev/null}", "unknown key `files`: did you mean `file`?"},
        {"{file: /dev/null}", "`secret`: "},
        {"{file: /nowhere/secret}", "`secret`: "},
        {"{file: }", "`file` has no value"},
        {"{file: [a]}", "`file` has the wrong type"},
        {"{env: PARSED_UNSET}", "`secret`: "},
        {"{credential: a}", "`secret`: "},
        {"{credential: ../a}", "`secret`: "},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        char text[512];
        (void)snprintf(text, sizeof text, BEARER("%s"), rows[i].secret);
        parsed_refused(text, rows[i].words);
    }
}

static void never_quoted(void **state) {
    (void)state;
    static const char *const secrets[] = {
        "hunter2",
        "{hunter2}",
        "{hunter2: x}",
        "{hunter2: x, y: hunter2}",
        "\"hunter2 \\n\"",
        "[{hunter2: hunter2}]",
        "'hunter2 two words'",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(secrets); i++) {
        CLEANUP(config_faults_release) struct config_faults faults = {0};
        char text[512];
        struct config *config = NULL;
        (void)snprintf(text, sizeof text, BEARER("%s"), secrets[i]);
        (void)!config_parse(text, strlen(text), &config, &faults);
        assert_true(faults.count > 0);
        for (size_t k = 0; k < faults.count; k++) {
            if (strstr(faults.items[k].message, "hunter2")) {
                fail_msg("%s", faults.items[k].message);
            }
        }
        config_drop(config);
    }
}

static void a_file_is_limited(void **state) {
    (void)state;
    char path[] = "/tmp/landwaiter-secret-XXXXXX";
    char text[512];
    static char block[65537];
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    memset(block, 'x', sizeof block);
    FILE *file = fdopen(fd, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(block, 1, sizeof block, file), sizeof block);
    assert_int_equal(fclose(file), 0);
    (void)snprintf(text, sizeof text, BEARER("{file: %s}"), path);
    parsed_refused(text, "`secret`: ");
    assert_int_equal(remove(path), 0);
}

static bool told_of_readers(const char *path) {
    CLEANUP(config_faults_release) struct config_faults faults = {0};
    struct config *config = NULL;
    char text[512];
    bool told = false;
    (void)snprintf(text, sizeof text, BEARER("{file: %s}"), path);
    assert_true(config_parse(text, strlen(text), &config, &faults));
    for (size_t i = 0; i < faults.count; i++) {
        assert_true(faults.items[i].warning);
        told = told || strstr(faults.items[i].message, "every user of this machine may read");
    }
    config_drop(config);
    return told;
}

static void a_file_that_others_may_read_is_told(void **state) {
    (void)state;
    char folder[] = "/tmp/landwaiter-secret-XXXXXX";
    char path[64];
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/ci", folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs("a-secret-of-more-than-16-bytes\n", file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0644), 0);
    assert_false(told_of_readers(path)); /* nobody else can enter the folder */
    assert_int_equal(chmod(folder, 0755), 0);
    assert_true(told_of_readers(path));
    assert_int_equal(chmod(path, 0640), 0);
    assert_false(told_of_readers(path));
    assert_int_equal(remove(path), 0);
    assert_int_equal(remove(folder), 0);
}

#define TEST(function) cmocka_unit_test_setup(function, parsed_setup)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(each_form_is_read),
        TEST(faults_have_words),
        TEST(never_quoted),
        TEST(a_file_is_limited),
        TEST(a_file_that_others_may_read_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
