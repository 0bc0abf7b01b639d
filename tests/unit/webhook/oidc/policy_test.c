/* Policies of tokens: addresses that are safe to ask, and claims that name one owner. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "webhook/oidc/policy.h"

#define GITHUB "https://token.actions.githubusercontent.com"

static void only_safe_addresses_are_asked(void **state) {
    (void)state;
    static const struct {
        const char *url;
        bool good;
    } rows[] = {
        {"https://gitlab.com", true},
        {"https://gitlab.example:8443/oauth/keys", true},
        {"http://localhost/keys", true},
        {"http://LOCALHOST:8080/keys", true},
        {"http://127.0.0.1:9/", true},
        {"http://[::1]:9", true},
        {"http://[::1]", true},
        {"http://localhost.evil.example/", false},
        {"http://127.0.0.10/", false},
        {"http://127.0.0.1.evil.example", false},
        {"http://[::1].evil.example", false},
        {"http://gitlab.com/", false},
        {"http://localhost@evil.example/", false},
        {"https://user@gitlab.com/", false},
        {"https://gitlab.com/?a=b", false},
        {"https://gitlab.com/#a", false},
        {"https://gitlab.com\\@evil.example", false},
        {"https://gitlab.com/a b", false},
        {"https://", false},
        {"https:///keys", false},
        {"HTTPS://gitlab.com", false},
        {"ftp://gitlab.com", false},
        {"gitlab.com", false},
        {"", false},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct err err = ERR_INIT;
        if (oidc_url_check(rows[i].url, &err) != rows[i].good) {
            fail_msg("%s: %s", rows[i].url, err.message);
        }
        assert_int_equal(err.kind, rows[i].good ? ERR_NONE : ERR_INVALID);
    }
}

static void addresses_are_bounded(void **state) {
    (void)state;
    char url[300] = "https://";
    struct err err = ERR_INIT;
    memset(url + 8, 'a', 255 - 8);
    assert_true(oidc_url_check(url, &err));
    url[255] = 'a';
    assert_false(oidc_url_check(url, &err));
}

/* Checks a policy with one claim. second: another alternative; NULL: none. */
static bool pinned(const char *issuer, const char *name, const char *first, const char *second) {
    char *values[] = {(char *)(uintptr_t)first, (char *)(uintptr_t)second, NULL};
    struct oidc_claim claim = {.name = (char *)(uintptr_t)name, .values = values};
    const struct oidc_policy policy = {
        .issuer = (char *)(uintptr_t)issuer, .claims = &claim, .claim_count = 1};
    struct err err = ERR_INIT;
    bool good = oidc_policy_check(&policy, &err);
    assert_int_equal(err.kind, good ? ERR_NONE : ERR_INVALID);
    return good;
}

static void a_shared_issuer_needs_its_owner(void **state) {
    (void)state;
    static const struct {
        const char *issuer, *claim, *value;
        bool good;
    } rows[] = {
        {GITHUB, "repository", "brian/site", true},
        {GITHUB, "repository", "brian/*", true},
        {GITHUB, "repository", "brian/**", true},
        {GITHUB, "repository", "*/site", false},
        {GITHUB, "repository", "**", false},
        {GITHUB, "repository", "bri*/site", false},
        {GITHUB, "repository", "brian*", false}, /* brian2/site too */
        {GITHUB, "repository", "/site", false},
        {GITHUB, "repository", "", false},
        {GITHUB, "repository_owner", "brian", true},
        {GITHUB, "repository_owner", "bri*", false},
        {GITHUB, "repository_id", "1*", false},
        {GITHUB, "sub", "repo:brian/site:ref:refs/heads/*", true},
        {GITHUB, "sub", "repo:*", false},
        {GITHUB, "sub", "repo:brian*", false},
        {GITHUB, "sub", "*", false},
        {GITHUB, "sub", "brian/site", false},
        {GITHUB, "ref", "refs/heads/main", false}, /* everybody has that branch */
        {GITHUB, "environment", "production", false},
        {"https://gitlab.com", "project_path", "brian/site", true},
        {"https://gitlab.com", "sub", "project_path:brian/site:ref_type:branch:ref:main", true},
        {"https://gitlab.com", "sub", "project_path:*", false},
        {"https://gitlab.com", "repository", "brian/site", false},
        {"https://accounts.google.com", "email", "ci@brian.iam.gserviceaccount.com", true},
        {"https://accounts.google.com", "email", "*@brian.iam.gserviceaccount.com", false},
        {"https://agent.buildkite.com", "organization_slug", "brian", true},
        {"https://agent.buildkite.com", "pipeline_slug", "site", false},
        {"https://gitlab.example", "ref", "refs/heads/main", true}, /* it is the owner's own */
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        if (pinned(rows[i].issuer, rows[i].claim, rows[i].value, NULL) != rows[i].good) {
            fail_msg("%s %s: %s", rows[i].issuer, rows[i].claim, rows[i].value);
        }
    }
}

static void one_open_alternative_admits_everybody(void **state) {
    (void)state;
    assert_true(pinned(GITHUB, "repository", "brian/site", "brian/other"));
    assert_false(pinned(GITHUB, "repository", "brian/site", "*/site"));
    assert_false(pinned(GITHUB, "repository", "**", "brian/site"));
}

static void a_policy_has_a_claim(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    const struct oidc_policy own = {.issuer = (char[]){"https://gitlab.example"}};
    const struct oidc_policy shared = {.issuer = (char[]){GITHUB}};
    assert_false(oidc_policy_check(&own, &err));
    assert_non_null(strstr(err.message, "pin one"));
    assert_false(oidc_policy_check(&shared, &err));
    assert_non_null(strstr(err.message, "repository_owner"));
}

/* An open claim beside a pinned one narrows it. */
static void further_claims_only_narrow(void **state) {
    (void)state;
    char *open[] = {(char[]){"*"}, NULL};
    char *one[] = {(char[]){"brian/site"}, NULL};
    struct oidc_claim claims[] = {{.name = (char[]){"ref"}, .values = open},
                                  {.name = (char[]){"repository"}, .values = one}};
    const struct oidc_policy policy = {
        .issuer = (char[]){GITHUB}, .claims = claims, .claim_count = 2};
    struct err err = ERR_INIT;
    assert_true(oidc_policy_check(&policy, &err));
    assert_ptr_equal(oidc_policy_claim(&policy, "repository"), &claims[1]);
    assert_null(oidc_policy_claim(&policy, "repo"));
    assert_null(oidc_policy_claim(&policy, "repository_id"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_safe_addresses_are_asked),
        cmocka_unit_test(addresses_are_bounded),
        cmocka_unit_test(a_shared_issuer_needs_its_owner),
        cmocka_unit_test(one_open_alternative_admits_everybody),
        cmocka_unit_test(a_policy_has_a_claim),
        cmocka_unit_test(further_claims_only_narrow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
