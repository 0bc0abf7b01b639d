/* Tokens: owns the order of the checks. Checks all claims before the signature, so that only a
 * token with the right claims can cause a fetch of keys. Never follows an address in a token, and
 * never uses a symmetric key. */
#include "webhook/oidc/token.h"

#include <cjose/cjose.h>
#include <math.h>

#include "base/digest.h"
#include "base/json.h"
#include "policies/pattern.h"

#define SECONDS_MAX 253402300799.0 /* the year 9999 */
#define PARTS 3

static const char github[] = "https://token.actions.githubusercontent.com";
static const char google[] = "https://accounts.google.com";

struct token {
    json_t *header, *claims; /* owned */
    enum oidc_algorithm algorithm;
};

static void token_release(struct token *token) {
    json_release(&token->header);
    json_release(&token->claims);
}

/* ---- parsing ---- */

/* Exactly three non-empty parts in canonical base64url. */
static bool split(const char *text, const char *parts[PARTS], size_t lens[PARTS]) {
    if (strlen(text) > OIDC_TOKEN_MAX) {
        return false;
    }
    for (int i = 0; i < PARTS; i++) {
        size_t len = strcspn(text, ".");
        parts[i] = text;
        lens[i] = len;
        text += len;
        if (len == 0 || (i < PARTS - 1 ? *text != '.' : *text != '\0')) {
            return false;
        }
        text += i < PARTS - 1 ? 1 : 0;
    }
    return true;
}

static bool read_part(const char *text, size_t len, json_t **out) {
    unsigned char decoded[OIDC_TOKEN_MAX];
    size_t decoded_len = 0;
    struct err ignored = ERR_INIT;
    return digest_base64url_decode(text, len, decoded, sizeof decoded, &decoded_len) &&
           json_parse(decoded, decoded_len, out, &ignored) && json_is_object(*out);
}

static bool signature_canonical(const char *text, size_t len) {
    unsigned char decoded[OIDC_TOKEN_MAX];
    size_t decoded_len = 0;
    return digest_base64url_decode(text, len, decoded, sizeof decoded, &decoded_len) &&
           decoded_len > 0;
}

static bool token_read(const char *text, struct token *out) {
    const char *parts[PARTS];
    size_t lens[PARTS];
    return split(text, parts, lens) && read_part(parts[0], lens[0], &out->header) &&
           read_part(parts[1], lens[1], &out->claims) && signature_canonical(parts[2], lens[2]);
}

/* ---- the header ---- */

/* Refuses parameters that change the signed data or the algorithm; ignores jku, jwk, x5u and
 * x5c. */
static bool header_plain(const json_t *header) {
    static const char *const refused[] = {"crit", "b64", "zip", "enc", "cty"};
    for (size_t i = 0; i < ARRAY_LENGTH(refused); i++) {
        if (json_object_get(header, refused[i])) {
            return false;
        }
    }
    const json_t *type = json_object_get(header, "typ");
    return !type || (json_is_string(type) && strcmp(json_string_value(type), "JWT") == 0);
}

static bool header_algorithm(const json_t *header, unsigned allowed, enum oidc_algorithm *out) {
    const char *name = json_text(header, "alg");
    for (int i = 0; name && oidc_algorithm_names[i]; i++) {
        if (strcmp(name, oidc_algorithm_names[i]) == 0) {
            *out = (enum oidc_algorithm)i;
            return (allowed & (1U << i)) != 0;
        }
    }
    return false;
}

static const char *header_kid(const json_t *header) {
    const char *kid = json_text(header, "kid");
    return kid && kid[0] && strlen(kid) <= OIDC_KID_MAX ? kid : NULL;
}

/* ---- the claims ---- */

/* -1: present, but not a time; *there: is it present? */
static double seconds_of(const json_t *claims, const char *name, bool *there) {
    const json_t *value = json_object_get(claims, name);
    *there = value != NULL;
    double seconds = json_is_number(value) ? json_number_value(value) : -1;
    return isfinite(seconds) && seconds >= 0 && seconds <= SECONDS_MAX ? seconds : -1;
}

static bool times_right(const json_t *claims, const struct oidc_policy *policy, int64_t now_ms) {
    bool has_exp, has_iat, has_nbf;
    double exp = seconds_of(claims, "exp", &has_exp);
    double iat = seconds_of(claims, "iat", &has_iat);
    double nbf = seconds_of(claims, "nbf", &has_nbf);
    double now = (double)now_ms / 1000;
    double leeway = (double)policy->leeway_ms / 1000;
    return has_exp && has_iat && exp >= 0 && iat >= 0 && now < exp + leeway &&
           iat <= now + leeway && exp > iat && exp - iat <= OIDC_LIFETIME_MAX_S &&
           (!has_nbf || (nbf >= 0 && nbf <= now + leeway));
}

/* A text, or a list of exactly one. */
static bool audience_right(const json_t *claims, const char *audience) {
    const json_t *value = json_object_get(claims, "aud");
    if (json_is_array(value) && json_array_size(value) == 1) {
        value = json_array_get(value, 0);
    }
    return json_is_string(value) && strcmp(json_string_value(value), audience) == 0;
}

/* Accepts texts, and booleans by name (Google's email_verified), but no number: its text form would
 * be ambiguous. */
static bool claim_right(const json_t *claims, const struct oidc_claim *claim) {
    const json_t *value = json_object_get(claims, claim->name);
    const char *text = json_is_true(value)    ? "true"
                       : json_is_false(value) ? "false"
                                              : json_string_value(value);
    for (char **wanted = claim->values; text && *wanted; wanted++) {
        if (pattern_match(*wanted, text)) {
            return true;
        }
    }
    return false;
}

/* Refuses tokens of dangerous events unless the policy names the event. */
static bool issuer_particulars(const json_t *claims, const struct oidc_policy *policy) {
    const char *event = json_text(claims, "event_name");
    if (strcmp(policy->issuer, github) == 0 && !oidc_policy_claim(policy, "event_name") && event &&
        strcmp(event, "pull_request_target") == 0) {
        return false; /* runs with the repository's rights for a stranger's request */
    }
    return strcmp(policy->issuer, google) != 0 || !oidc_policy_claim(policy, "email") ||
           json_is_true(json_object_get(claims, "email_verified"));
}

static bool claims_right(const json_t *claims, const struct oidc_policy *policy, int64_t now_ms) {
    const char *issuer = json_text(claims, "iss");
    if (!issuer || strcmp(issuer, policy->issuer) != 0 ||
        !audience_right(claims, policy->audience) || !times_right(claims, policy, now_ms)) {
        return false;
    }
    for (size_t i = 0; i < policy->claim_count; i++) {
        if (!claim_right(claims, &policy->claims[i])) {
            return false;
        }
    }
    return issuer_particulars(claims, policy);
}

/* ---- the signature ---- */

static bool signed_by(const char *text, const struct oidc_key *key) {
    cjose_err failed;
    cjose_jws_t *jws = cjose_jws_import(text, strlen(text), &failed);
    bool match = jws && cjose_jws_verify(jws, key->jwk, &failed);
    cjose_jws_release(jws);
    return match;
}

enum oidc_verdict oidc_token_check(const char *token, const struct oidc_policy *policy,
                                   const struct oidc_keys *keys, int64_t now_ms) {
    CLEANUP(token_release) struct token read = {.header = NULL};
    if (!token_read(token, &read) || !header_plain(read.header) ||
        !header_algorithm(read.header, policy->algorithms, &read.algorithm) ||
        !header_kid(read.header) || !claims_right(read.claims, policy, now_ms)) {
        return OIDC_REFUSED;
    }
    const struct oidc_key *key = oidc_keys_find(keys, header_kid(read.header), read.algorithm);
    if (!key) {
        return OIDC_KEY_MISSING;
    }
    return signed_by(token, key) ? OIDC_VALID : OIDC_REFUSED;
}
