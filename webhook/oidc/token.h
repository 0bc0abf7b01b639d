/* Verifies a token (a signed JWT) against a policy by the procedure of protocols.md section 2.6,
 * over libcjose. Pure. */
#ifndef LANDWAITER_WEBHOOK_OIDC_TOKEN_H
#define LANDWAITER_WEBHOOK_OIDC_TOKEN_H

#include "webhook/oidc/keys.h"
#include "webhook/oidc/policy.h"

#define OIDC_TOKEN_MAX ((size_t)16 * 1024)

enum oidc_verdict {
    OIDC_REFUSED,
    OIDC_VALID,
    OIDC_KEY_MISSING, /* all claims are right, but its key is unknown */
};

/* keys: NULL if none are known yet. */
enum oidc_verdict oidc_token_check(const char *token, const struct oidc_policy *policy,
                                   const struct oidc_keys *keys, int64_t now_ms);

#endif
