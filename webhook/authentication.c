/* Authentication: owns the table of schemes, and the stand-in for unknown senders. Never interprets
 * the body, never gives the reason of a refusal. */
#include "webhook/authentication.h"

#include "webhook/scheme.h"
#include "webhook/source.h"

static unsigned char nobodys_bytes[] = "nobody has this secret; it never matches";
static struct secret nobodys_secret = {.bytes = nobodys_bytes, .len = sizeof nobodys_bytes - 1};
static const struct sender nobody = {
    .name = (char[]){""}, .auth = SENDER_HMAC, .secrets = &nobodys_secret, .secret_count = 1};

static const struct scheme {
    scheme_check *check;
    bool before_body; /* does not need the body */
} schemes[] = {
    [SENDER_HMAC] = {scheme_standard_webhooks, false}, /* for formats without a scheme */
    [SENDER_STANDARD_WEBHOOKS] = {scheme_standard_webhooks, false},
    [SENDER_BEARER] = {scheme_bearer, true},
    [SENDER_BASIC] = {scheme_basic, true},
    [SENDER_HEADER] = {scheme_header, true},
    [SENDER_OIDC] = {scheme_oidc, true},
    [SENDER_URL_TOKEN] = {scheme_url_token, true},
    [SENDER_SNS] = {scheme_sns, false},
    [SENDER_NONE] = {scheme_none, true},
};

/* The scheme of a format; the sender holds the header of a plain HMAC. */
static scheme_check *signing_check(const struct sender *sender) {
    static scheme_check *const own[] = {
        [SOURCE_SIGNS_STANDARD] = scheme_standard_webhooks,
        [SOURCE_SIGNS_BUILDKITE] = scheme_buildkite,
        [SOURCE_SIGNS_DRONE] = scheme_drone,
        [SOURCE_SIGNS_CIRCLECI] = scheme_circleci,
    };
    enum source_signing signing = sender->source ? sender->source->signing : SOURCE_SIGNS_STANDARD;
    scheme_check *check = signing < ARRAY_LENGTH(own) ? own[signing] : NULL;
    return sender->hmac_header ? scheme_body_hmac : check ? check : scheme_standard_webhooks;
}

bool authentication_check(const struct sender *sender, const struct authentication_request *request,
                          struct authentication_proof *out) {
    struct authentication_proof proof = {0};
    const struct sender *who = sender ? sender : &nobody;
    scheme_check *check = who->auth == SENDER_HMAC ? signing_check(who) : schemes[who->auth].check;
    bool proven = check && check(who, request, &proof) && sender;
    if (proven || (proof.pending && sender)) {
        *out = proof;
    }
    return proven;
}

enum issuers_fetch_result authentication_fetch(const struct sender *sender,
                                               const struct authentication_request *request) {
    if (!request->issuers) {
        return ISSUERS_FRESH;
    }
    if (sender->auth == SENDER_OIDC) {
        return issuers_fetch(request->issuers, sender->oidc, request->boot_ms);
    }
    return sender->auth == SENDER_SNS ? scheme_sns_fetch(sender, request) : ISSUERS_FRESH;
}

bool authentication_before_body(const struct sender *sender) {
    return schemes[sender->auth].before_body;
}
