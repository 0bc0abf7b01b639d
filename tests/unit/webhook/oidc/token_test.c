/* Tokens: every vector of tests/data/jwt, with its policy and at its time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/json.h"
#include "webhook/oidc/token.h"

static json_t *vectors;

static int load(void **state) {
    (void)state;
    vectors = json_load_file(TEST_DATA "/jwt/vectors.json", 0, NULL);
    return vectors ? 0 : -1;
}

static int unload(void **state) {
    (void)state;
    json_decref(vectors);
    return 0;
}

static struct oidc_keys *keys_of(const char *name) {
    char path[512];
    (void)snprintf(path, sizeof path, TEST_DATA "/jwt/%s", name);
    json_t *set = json_load_file(path, 0, NULL);
    assert_non_null(set);
    CLEANUP(buf_release) struct buf text = BUF_INIT(1 << 20);
    json_write(set, &text);
    json_decref(set);
    struct oidc_keys *keys = NULL;
    struct err err = ERR_INIT;
    if (!oidc_keys_parse(text.data, text.len, &keys, &err)) {
        fail_msg("%s: %s", name, err.message);
    }
    return keys;
}

static struct oidc_policy *policy_of(const json_t *entry, const json_t *policy) {
    struct oidc_policy *out = calloc(1, sizeof *out);
    out->issuer = strdup(json_text(entry, "issuer"));
    out->audience = strdup(json_text(entry, "audience"));
    out->leeway_ms = json_int(policy, "leeway_s", 0) * 1000;
    size_t index;
    json_t *value;
    json_array_foreach(json_object_get(entry, "algorithms"), index, value) {
        for (int i = 0; oidc_algorithm_names[i]; i++) {
            bool same = strcmp(oidc_algorithm_names[i], json_string_value(value)) == 0;
            out->algorithms |= same ? 1U << i : 0;
        }
    }
    json_t *claims = json_object_get(entry, "bound_claims");
    const char *name;
    out->claims = calloc(json_object_size(claims), sizeof *out->claims);
    json_object_foreach(claims, name, value) {
        struct oidc_claim *claim = &out->claims[out->claim_count++];
        claim->name = strdup(name);
        claim->values = calloc(json_array_size(value) + 1, sizeof(char *));
        json_t *text;
        json_array_foreach(value, index, text) {
            claim->values[index] = strdup(json_string_value(text));
        }
    }
    return out;
}

static void every_vector_has_its_verdict(void **state) {
    (void)state;
    const json_t *policy = json_object_get(vectors, "policy");
    const json_t *entries = json_object_get(policy, "issuers");
    int64_t now_ms = json_int(policy, "now", 0) * 1000;
    size_t count = 0;
    size_t index;
    json_t *vector;
    json_array_foreach(json_object_get(vectors, "vectors"), index, vector) {
        bool accepted = false;
        size_t i;
        json_t *entry;
        json_array_foreach(entries, i, entry) {
            struct oidc_policy *wanted = policy_of(entry, policy);
            struct oidc_keys *keys = keys_of(json_text(entry, "jwks"));
            accepted |=
                oidc_token_check(json_text(vector, "token"), wanted, keys, now_ms) == OIDC_VALID;
            assert_int_not_equal(oidc_token_check(json_text(vector, "token"), wanted, NULL, now_ms),
                                 OIDC_VALID);
            oidc_keys_free(keys);
            oidc_policy_free(wanted);
        }
        const char *expect = json_text(vector, "expect");
        /* The first use is valid; the store refuses the second. */
        bool right = strncmp(expect, "accept", 6) == 0 || strcmp(expect, "reject-second-use") == 0;
        if (accepted != right) {
            fail_msg("%s: %s, expected %s (%s)", json_text(vector, "id"),
                     accepted ? "accepted" : "refused", expect, json_text(vector, "why"));
        }
        count++;
    }
    assert_int_equal(count, 54);
}

static const char *token_of(const char *id) {
    size_t index;
    json_t *vector;
    json_array_foreach(json_object_get(vectors, "vectors"), index, vector) {
        if (strcmp(json_text(vector, "id"), id) == 0) {
            return json_text(vector, "token");
        }
    }
    fail_msg("no vector %s", id);
    return NULL;
}

static void es256_is_taken_where_it_is_listed(void **state) {
    (void)state;
    const json_t *policy = json_object_get(vectors, "policy");
    const json_t *entry = json_array_get(json_object_get(policy, "issuers"), 0);
    struct oidc_policy *wanted = policy_of(entry, policy);
    struct oidc_keys *keys = keys_of(json_text(entry, "jwks"));
    int64_t now_ms = json_int(policy, "now", 0) * 1000;
    const char *token = token_of("es256-not-allowed");
    assert_int_equal(oidc_token_check(token, wanted, keys, now_ms), OIDC_REFUSED);
    wanted->algorithms = 1U << OIDC_ES256;
    assert_int_equal(oidc_token_check(token, wanted, keys, now_ms), OIDC_VALID);
    assert_int_equal(oidc_token_check(token_of("good"), wanted, keys, now_ms), OIDC_REFUSED);
    oidc_keys_free(keys);
    oidc_policy_free(wanted);
}

/* Only a token with the right claims may cause a fetch of keys. */
static void a_missing_key_is_told_of_the_right_tokens_only(void **state) {
    (void)state;
    const json_t *policy = json_object_get(vectors, "policy");
    struct oidc_policy *wanted =
        policy_of(json_array_get(json_object_get(policy, "issuers"), 0), policy);
    int64_t now_ms = json_int(policy, "now", 0) * 1000;
    assert_int_equal(oidc_token_check(token_of("good"), wanted, NULL, now_ms), OIDC_KEY_MISSING);
    assert_int_equal(oidc_token_check(token_of("good"), wanted, NULL, now_ms + 3600 * 1000),
                     OIDC_REFUSED);
    assert_int_equal(oidc_token_check("a.b.c", wanted, NULL, now_ms), OIDC_REFUSED);
    assert_int_equal(oidc_token_check("", wanted, NULL, now_ms), OIDC_REFUSED);
    oidc_policy_free(wanted);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_vector_has_its_verdict),
        cmocka_unit_test(es256_is_taken_where_it_is_listed),
        cmocka_unit_test(a_missing_key_is_told_of_the_right_tokens_only)};
    return cmocka_run_group_tests(tests, load, unload);
}
