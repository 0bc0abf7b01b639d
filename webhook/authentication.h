/* Is it them? Checks the raw bytes of one request against one sender (interface.md section 4;
 * protocols.md section 1.14). Pure but for the clock that is passed in; constant time in what is
 * secret. */
#ifndef LANDWAITER_WEBHOOK_AUTHENTICATION_H
#define LANDWAITER_WEBHOOK_AUTHENTICATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "webhook/oidc/issuer.h"
#include "webhook/sender.h"

#define AUTHENTICATION_TOLERANCE_MS (INT64_C(5) * 60 * 1000) /* either way, Standard Webhooks */
#define AUTHENTICATION_ID_MAX 256

struct authentication_request {
    /* The single value of a header (case ignored) or NULL. */
    const char *(*header)(void *context, const char *name);
    void *context;
    const char *path_token; /* what stands in the path behind the sender's name; NULL: nothing */
    const void *body;       /* not read by kinds that do not sign it */
    size_t body_len;
    int64_t now_ms;
    int64_t boot_ms;         /* CLOCK_BOOTTIME */
    struct issuers *issuers; /* for tokens; NULL: none can be proved */
};

struct authentication_proof {
    bool pending; /* not proven: it may be after authentication_ask */
    bool keyed;   /* key tells this delivery from others; a second one with the same key is a
                     duplicate */
    unsigned char
        key[DIGEST_BYTES]; /* hash over sender and signed id (or, for a plain HMAC, the body) */
};

/* sender may be NULL (nobody of that name): does the same work and says no. */
bool authentication_check(const struct sender *sender, const struct authentication_request *request,
                          struct authentication_proof *out) MUST_USE;
/* Has what is missing for the proof fetched: an issuer's keys, a certificate. */
enum issuers_hope authentication_ask(const struct sender *sender,
                                     const struct authentication_request *request) MUST_USE;
/* Can it be decided before the body is read (bearer)? */
bool authentication_before_body(const struct sender *sender) MUST_USE;

/* For the configuration: can that secret ever prove anything? ERR_INVALID says what to write. A
 * plain HMAC (hmac_header) takes any bytes and need not ask. */
bool authentication_secret_check(enum sender_auth auth, const struct secret *secret,
                                 struct err *err) MUST_USE;

#endif
