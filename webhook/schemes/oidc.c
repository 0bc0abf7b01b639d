/* A token of an identity provider, as `Authorization: Bearer` (RFC 6750). Valid for one delivery:
 * the token is the delivery's key. */
#include "webhook/oidc/issuer.h"
#include "webhook/oidc/token.h"
#include "webhook/scheme.h"

bool scheme_oidc(const struct sender *sender, const struct authentication_request *request,
                 struct authentication_proof *out) {
    const char *token = scheme_credentials(request, "Bearer");
    const struct oidc_keys *keys =
        request->issuers ? issuers_keys(request->issuers, sender->oidc, request->boot_ms) : NULL;
    switch (oidc_token_check(token, sender->oidc, keys, request->now_ms)) {
    case OIDC_VALID:
        scheme_key_of_anybody('o', scheme_part(token), out);
        return true;
    case OIDC_KEY_MISSING:
        out->pending = true;
        return false;
    case OIDC_REFUSED:
    default:
        return false;
    }
}
