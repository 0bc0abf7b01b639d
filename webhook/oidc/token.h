/* Is a token (a signed JWT) what the policy wants? The procedure of protocols.md section 2.6, over
 * libcjose. Pure. */
#ifndef LANDWAITER_WEBHOOK_OIDC_TOKEN_H
#define LANDWAITER_WEBHOOK_OIDC_TOKEN_H

#include "webhook/oidc/keys.h"
#include "webhook/oidc/policy.h"

#define OIDC_TOKEN_MAX ((size_t)16 * 1024)

enum oidc_verdict {
    OIDC_REFUSED,
    OIDC_VALID,
    OIDC_KEY_MISSING, /* all that it says is right, and its key is not among these */
};

/* keys: NULL: none are known yet. */
enum oidc_verdict oidc_token_check(const char *token, const struct oidc_policy *policy,
                                   const struct oidc_keys *keys, int64_t now_ms);

#endif
