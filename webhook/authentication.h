/* Authentication: checks the raw bytes of one request against one sender (interface.md section 4;
 * protocols.md section 1.14). Pure but for the clock that is passed in; constant time in the
 * secrets. */
#ifndef LANDWAITER_WEBHOOK_AUTHENTICATION_H
#define LANDWAITER_WEBHOOK_AUTHENTICATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "webhook/oidc/issuer.h"
#include "webhook/sender.h"

/* clock skew in both directions (Standard Webhooks) */
#define AUTHENTICATION_TOLERANCE_MS (INT64_C(5) * 60 * 1000)
#define AUTHENTICATION_ID_MAX 256

struct authentication_request {
    /* The single value of a header (case ignored) or NULL. */
    const char *(*header)(void *context, const char *name);
    void *context;
    const char *path_token; /* the path's segment behind the sender's name; NULL: none */
    const void *body;       /* ignored by schemes that do not sign it */
    size_t body_len;
    int64_t now_ms;
    int64_t boot_ms;         /* CLOCK_BOOTTIME */
    struct issuers *issuers; /* keys for tokens; NULL: no token can be verified */
};

struct authentication_proof {
    bool pending; /* not proven, but authentication_fetch may change that */
    bool keyed;   /* key identifies the delivery: a second one with the same key is a duplicate */
    /* Hash over the sender and the signed id (or, for a plain HMAC, the body). */
    unsigned char key[DIGEST_BYTES];
};

/* sender may be NULL (unknown name): does the same work and refuses. */
bool authentication_check(const struct sender *sender, const struct authentication_request *request,
                          struct authentication_proof *out) MUST_USE;
/* Starts to fetch the missing part of the proof: an issuer's keys, or a certificate. */
enum issuers_fetch_result
authentication_fetch(const struct sender *sender,
                     const struct authentication_request *request) MUST_USE;
/* Can the sender be judged before the body is read (bearer)? */
bool authentication_before_body(const struct sender *sender) MUST_USE;

#endif
