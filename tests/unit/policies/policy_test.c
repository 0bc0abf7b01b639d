/* Policies: names, verdicts, and reasons that fit. */
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

static void an_unknown_policy_is_refused_with_the_known_ones(void **state) {
    (void)state;
    static const char *const bad[] = {"", "Digest", "digest ", "latest"};
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        struct policy policy = {.kind = POLICY_NEVER};
        struct err err = ERR_INIT;
        assert_false(policy_parse(bad[i], &policy, &err));
        assert_int_equal(err.kind, ERR_INVALID);
        assert_non_null(strstr(err.message, "digest, never"));
        assert_int_equal(policy.kind, POLICY_NEVER);
    }
}

static void digest_follows_the_running_tag_only(void **state) {
    (void)state;
    const struct policy policy = {.kind = POLICY_DIGEST};
    assert_true(policy_decide(&policy, "1.4", "1.4").wanted);
    struct policy_verdict other = policy_decide(&policy, "1.4", "1.4.1");
    assert_false(other.wanted);
    assert_string_equal(other.reason, "policy digest follows tag 1.4, and 1.4.1 was pushed");
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
}

static void the_longest_tags_fit(void **state) {
    (void)state;
    char a[129];
    char b[129];
    memset(a, 'a', 128);
    memset(b, 'b', 128);
    a[128] = b[128] = '\0';
    const struct policy policy = {.kind = POLICY_DIGEST};
    struct policy_verdict verdict = policy_decide(&policy, a, b);
    assert_false(verdict.wanted);
    assert_non_null(strstr(verdict.reason, "was pushed"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses_and_names_each_kind),
        cmocka_unit_test(an_unknown_policy_is_refused_with_the_known_ones),
        cmocka_unit_test(digest_follows_the_running_tag_only),
        cmocka_unit_test(never_wants_nothing),
        cmocka_unit_test(a_kind_from_nowhere_wants_nothing),
        cmocka_unit_test(the_longest_tags_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
