/* What a token must say (interface.md section 4, `oidc`): issuer, audience and claims, pinned by
 * the configuration. */
#ifndef LANDWAITER_WEBHOOK_OIDC_POLICY_H
#define LANDWAITER_WEBHOOK_OIDC_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define OIDC_LIFETIME_MAX_S 3600 /* from iat to exp */
#define OIDC_LEEWAY_MS (INT64_C(60) * 1000)

/* RFC 7518 section 3.1, and of that only what has a public key. */
enum oidc_algorithm {
    OIDC_RS256,
    OIDC_RS384,
    OIDC_RS512,
    OIDC_PS256,
    OIDC_PS384,
    OIDC_PS512,
    OIDC_ES256,
    OIDC_ES384,
    OIDC_ES512,
    OIDC_ALGORITHMS,
};
extern const char *const oidc_algorithm_names[OIDC_ALGORITHMS + 1]; /* ends with NULL */

struct oidc_claim {
    char *name;
    char **values; /* any of them; `*` and `**` as in images; NULL-terminated, at least one */
};

struct oidc_policy {
    char *issuer, *audience;
    struct oidc_claim *claims;
    size_t claim_count;
    unsigned algorithms; /* bits 1 << enum oidc_algorithm */
    int64_t leeway_ms;
    char *jwks_url, *jwks_file; /* at most one; NULL both: by discovery */
};

void oidc_policy_free(struct oidc_policy *policy);
const struct oidc_claim *oidc_policy_claim(const struct oidc_policy *policy, const char *name);

/* Can an address of an issuer or of its keys be asked? https, or http on loopback; no user, query
 * or fragment. ERR_INVALID says what to write. */
bool oidc_url_check(const char *url, struct err *err) MUST_USE;
/* Do the claims say whose token it must be? Of an issuer that many owners share one of them must,
 * without a wildcard in the owner; of any other issuer there must be one at least. */
bool oidc_policy_check(const struct oidc_policy *policy, struct err *err) MUST_USE;

#endif
