/* Requirements for a token (interface.md section 4, `oidc`): issuer, audience and claims, fixed by
 * the configuration. */
#ifndef LANDWAITER_WEBHOOK_OIDC_POLICY_H
#define LANDWAITER_WEBHOOK_OIDC_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define OIDC_LIFETIME_MAX_S 3600 /* from iat to exp */
#define OIDC_LEEWAY_MS (INT64_C(60) * 1000)

/* The algorithms of RFC 7518 section 3.1 with a public key. */
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
    /* any of them; `*` and `**` as in image patterns; NULL-terminated, at least one */
    char **values;
};

struct oidc_policy {
    char *issuer, *audience;
    struct oidc_claim *claims;
    size_t claim_count;
    unsigned algorithms; /* bits 1 << enum oidc_algorithm */
    int64_t leeway_ms;
    char *jwks_url, *jwks_file; /* at most one of them; NULL both: discovery */
};

void oidc_policy_free(struct oidc_policy *policy);
const struct oidc_claim *oidc_policy_claim(const struct oidc_policy *policy, const char *name);

/* Is the address of an issuer or its keys acceptable? https, or http on loopback; no user, query or
 * fragment. ERR_INVALID says what to write. */
bool oidc_url_check(const char *url, struct err *err) MUST_USE;
/* Do the claims identify the token's owner? An issuer shared by many owners needs an owner claim
 * without a wildcard in the owner; any other issuer needs at least one claim. */
bool oidc_policy_check(const struct oidc_policy *policy, struct err *err) MUST_USE;

#endif
