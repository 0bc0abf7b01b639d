/* The version: a line for programs, the commit, the libraries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <regex.h>
#include <stdbool.h>

#include "agent/cli/version.h"
#include "base/commit.h"

static bool matches(const char *text, const char *pattern) {
    regex_t regex;
    assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB | REG_NEWLINE), 0);
    bool found = regexec(&regex, text, 0, NULL, 0) == 0;
    regfree(&regex);
    return found;
}

static char *printed(void) {
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    version_print(out);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void the_first_line_holds_version_and_commit(void **state) {
    (void)state;
    CLEANUP(own_free) char *text = printed();
    CLEANUP(own_free) char *first = NULL;
    assert_true(asprintf(&first, "landwaiter %s (%s)\n", LANDWAITER_VERSION, commit_id) > 0);
    assert_memory_equal(text, first, strlen(first));
    assert_true(matches(commit_id, "^([0-9a-f]{12}[+]?|unknown)$"));
}

static void each_library_has_its_version(void **state) {
    (void)state;
    static const char *const libraries[] = {"libcurl",       "OpenSSL", "GnuTLS",
                                            "libmicrohttpd", "SQLite",  "Jansson",
                                            "cjose",         "PCRE2",   "libyaml"};
    CLEANUP(own_free) char *text = printed();
    for (size_t i = 0; i < ARRAY_LENGTH(libraries); i++) {
        CLEANUP(own_free) char *pattern = NULL;
        assert_true(asprintf(&pattern, "^%s [0-9]+[.][0-9]+[^ ]*$", libraries[i]) > 0);
        assert_true(matches(text, pattern));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_line_holds_version_and_commit),
        cmocka_unit_test(each_library_has_its_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
