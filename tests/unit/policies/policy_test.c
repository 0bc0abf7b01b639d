/* Policies: names, the cases of tests/data/policy-cases.tsv, refused patterns, and the length of
 * reasons. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policies/policy.h"

static void parses_and_names_each_kind(void **state) {
    (void)state;
    static const char *const names[] = {"digest", "never"};
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        struct policy policy;
        struct err err = ERR_INIT;
        assert_true(policy_parse(names[i], &policy, &err));
        assert_string_equal(policy_name(&policy), names[i]);
    }
}

static void every_kind_keeps_what_was_written(void **state) {
    (void)state;
    static const char *const texts[] = {
        "digest",      "major",       "minor", "patch", "semver:~15 || >=17",
        "glob:main-*", "regex:v(.*)", "force", "never"};
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        struct policy policy;
        struct err err = ERR_INIT;
        assert_true(policy_parse(texts[i], &policy, &err));
        struct policy copy = policy;
        memset(&policy, 0, sizeof policy);
        assert_string_equal(policy_name(&copy), texts[i]);
    }
}

static void an_unknown_policy_is_refused_with_the_known_ones(void **state) {
    (void)state;
    static const char *const bad[] = {"", "Digest", "digest ", "latest", "semver", "regexp:x"};
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        struct policy policy = {.kind = POLICY_NEVER};
        struct err err = ERR_INIT;
        assert_false(policy_parse(bad[i], &policy, &err));
        assert_int_equal(err.kind, ERR_INVALID);
        assert_int_equal(policy.kind, POLICY_NEVER); /* untouched */
        assert_non_null(strstr(err.message, "digest, major, minor, patch, semver:…, glob:…, "
                                            "regex:…, force, never"));
    }
}

static void a_wrong_pattern_is_refused(void **state) {
    (void)state;
    static const char *const bad[][2] = {
        {"semver:", "empty"},
        {"semver: ", "empty"},
        {"semver:~", "not a version"},
        {"semver:1.2 |", "alternatives"},
        {"semver:1.2 || ", "empty"},
        {"semver:||", "empty"},
        {"semver:,1.2", "not a version"},
        {"semver:1.2,", "not a version"},
        {"semver:latest", "not a version"},
        {"semver:1.x.2", "not a version"},
        {"semver:.x", "not a version"},
        {"semver:>*", "below, above"},
        {"semver:1.2 -", "not a version"},
        {"semver:1.2 - ", "not a version"},
        {"semver:>=1.2-alpine", "leave out \"-alpine\""},
        {"glob:", "at most 8 stars"},
        {"glob:*a*b*c*d*e*f*g*h*i", "at most 8 stars"},
        {"glob:v{1,2}", "no tag has \"{\""},
        {"glob:a/b", "no tag has \"/\""},
        {"glob:[0-9", "without its ]"},
        {"regex:", "write a regular expression"},
        {"regex:(", "at character 2"},
        {"regex:a{2,1}", "at character"},
        {"regex:(*UTF)a", "at character"},
        {"regex:\\C", "at character"},
        {"regex:((((((((((((((((((((((a))))))))))))))))))))))", "at character"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        struct policy policy = {.kind = POLICY_NEVER};
        struct err err = ERR_INIT;
        if (policy_parse(bad[i][0], &policy, &err)) {
            fail_msg("%s was taken", bad[i][0]);
        }
        assert_int_equal(err.kind, ERR_INVALID);
        if (!strstr(err.message, bad[i][1])) {
            fail_msg("%s: %s", bad[i][0], err.message);
        }
    }
    char longest[POLICY_TEXT_MAX + 2] = "regex:";
    memset(longest + 6, 'a', sizeof longest - 7);
    longest[sizeof longest - 1] = '\0';
    struct policy policy;
    assert_false(policy_parse(longest, &policy, NULL));
    longest[sizeof longest - 2] = '\0';
    assert_true(policy_parse(longest, &policy, NULL));
}

/* --- the table ---------------------------------------------------------------------------------
 */

enum {
    CASE_POLICY,
    CASE_RUNNING,
    CASE_PUSHED,
    CASE_VERDICT,
    CASE_REASON,
    CASE_SOURCE,
    CASE_FIELDS
};

/* Splits a line at its tabs, in place. */
static void split_case(char *line, const char *fields[CASE_FIELDS]) {
    line[strcspn(line, "\n")] = '\0';
    for (size_t i = 0; i < CASE_FIELDS; i++) {
        assert_non_null(line);
        fields[i] = strsep(&line, "\t");
    }
    assert_null(line);
}

static bool case_holds(const char *fields[CASE_FIELDS]) {
    struct policy policy;
    struct err err = ERR_INIT;
    if (!policy_parse(fields[CASE_POLICY], &policy, &err)) {
        print_error("%s: %s\n", fields[CASE_POLICY], err.message);
        return false;
    }
    const char *running = strcmp(fields[CASE_RUNNING], "-") == 0 ? "" : fields[CASE_RUNNING];
    const char *pushed = strcmp(fields[CASE_PUSHED], "-") == 0 ? "" : fields[CASE_PUSHED];
    struct policy_verdict verdict = policy_decide(&policy, running, pushed);
    bool wanted = strcmp(fields[CASE_VERDICT], "update") == 0;
    assert_true(wanted || strcmp(fields[CASE_VERDICT], "skip") == 0);
    if (verdict.wanted == wanted && strstr(verdict.reason, fields[CASE_REASON])) {
        return true;
    }
    print_error("%s: %s -> %s: %s: %s (expected %s: %s)\n", fields[CASE_POLICY], running, pushed,
                verdict.wanted ? "update" : "skip", verdict.reason, fields[CASE_VERDICT],
                fields[CASE_REASON]);
    return false;
}

static void every_case_of_the_table_holds(void **state) {
    (void)state;
    FILE *file = fopen(TEST_DATA "/policy-cases.tsv", "re");
    assert_non_null(file);
    char line[1024];
    size_t cases = 0, reports = 0, failed = 0;
    while (fgets(line, sizeof line, file)) {
        if (line[0] == '#') {
            continue;
        }
        const char *fields[CASE_FIELDS];
        split_case(line, fields);
        failed += !case_holds(fields);
        reports += strchr(fields[CASE_SOURCE], '#') != NULL;
        cases++;
    }
    assert_int_equal(fclose(file), 0);
    assert_int_equal(failed, 0);
    assert_true(cases >= 150);
    assert_true(reports >= 80);
}

static void digest_follows_the_running_tag_only(void **state) {
    (void)state;
    const struct policy policy = {.kind = POLICY_DIGEST};
    assert_true(policy_decide(&policy, "1.4", "1.4").wanted);
    struct policy_verdict other = policy_decide(&policy, "1.4", "1.4.1");
    assert_false(other.wanted);
    assert_non_null(strstr(other.reason, "1.4.1"));
    assert_false(policy_decide(&policy, "latest", "Latest").wanted);
    assert_false(policy_decide(&policy, "", "1.4").wanted);
}

static void never_wants_nothing(void **state) {
    (void)state;
    const struct policy policy = {.kind = POLICY_NEVER};
    struct policy_verdict verdict = policy_decide(&policy, "1.4", "1.4");
    assert_false(verdict.wanted);
    assert_string_equal(verdict.reason, "policy is never");
}

static void a_kind_from_nowhere_wants_nothing(void **state) {
    (void)state;
    const struct policy policy = {.kind = (enum policy_kind)99};
    assert_false(policy_decide(&policy, "1.4", "1.4").wanted);
    const struct policy bare[] = {
        {.kind = POLICY_SEMVER}, {.kind = POLICY_GLOB}, {.kind = POLICY_SEMVER}};
    for (size_t i = 0; i < ARRAY_LENGTH(bare); i++) {
        assert_false(policy_decide(&bare[i], "1.4", "1.5").wanted);
    }
}

static void the_longest_tags_fit(void **state) {
    (void)state;
    char a[129], b[129];
    memset(a, 'a', 128);
    memset(b, '1', 128);
    a[128] = b[128] = '\0';
    static const char *const texts[] = {"digest", "minor", "semver:*", "glob:*", "regex:.*"};
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        struct policy policy;
        assert_true(policy_parse(texts[i], &policy, NULL));
        struct policy_verdict verdict = policy_decide(&policy, a, b);
        assert_true(strlen(verdict.reason) < sizeof verdict.reason);
        assert_non_null(strstr(verdict.reason, "11111"));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses_and_names_each_kind),
        cmocka_unit_test(every_kind_keeps_what_was_written),
        cmocka_unit_test(an_unknown_policy_is_refused_with_the_known_ones),
        cmocka_unit_test(a_wrong_pattern_is_refused),
        cmocka_unit_test(every_case_of_the_table_holds),
        cmocka_unit_test(digest_follows_the_running_tag_only),
        cmocka_unit_test(never_wants_nothing),
        cmocka_unit_test(a_kind_from_nowhere_wants_nothing),
        cmocka_unit_test(the_longest_tags_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
