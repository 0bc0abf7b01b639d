/* A token: refused, unless it is one of the signed ones in the corpus, as the fuzzer has no key. */
#include <stdint.h>
#include <string.h>

#include "base/json.h"
#include "webhook/oidc/token.h"

#define NOW_MS INT64_C(1795176000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct oidc_keys *fuzz_keys(void) {
    static struct oidc_keys *keys;
    if (!keys) {
        json_t *set = json_load_file(TEST_DATA "/jwt/jwks_issuer_a.json", 0, NULL);
        CLEANUP(buf_release) struct buf text = BUF_INIT(1 << 20);
        struct err err = ERR_INIT;
        json_write(set, &text);
        json_decref(set);
        if (!oidc_keys_parse(text.data, text.len, &keys, &err)) {
            abort();
        }
    }
    return keys;
}

static char *values[] = {(char[]){"771002003"}, NULL};
static struct oidc_claim claim = {.name = (char[]){"repository_id"}, .values = values};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const struct oidc_policy policy = {
        .issuer = (char[]){"https://token.actions.githubusercontent.com"},
        .audience = (char[]){"https://deploy.example.net"},
        .claims = &claim,
        .claim_count = 1,
        .algorithms = (1U << OIDC_RS256) | (1U << OIDC_ES256) | (1U << OIDC_PS256),
        .leeway_ms = OIDC_LEEWAY_MS};
    char *token = strndup((const char *)data, size);
    enum oidc_verdict alone = oidc_token_check(token, &policy, NULL, NOW_MS);
    enum oidc_verdict verdict = oidc_token_check(token, &policy, fuzz_keys(), NOW_MS);
    /* Without keys nothing is valid, and a valid token then lacks only its key. */
    if (alone == OIDC_VALID || (verdict == OIDC_VALID && alone != OIDC_KEY_MISSING)) {
        abort();
    }
    free(token);
    return 0;
}
