/* The public keys of an issuer: a JWK set (RFC 7517), of which only what can verify a token is kept
 * (protocols.md section 2.6). Over libcjose. Pure. */
#ifndef LANDWAITER_WEBHOOK_OIDC_KEYS_H
#define LANDWAITER_WEBHOOK_OIDC_KEYS_H

#include <cjose/cjose.h>

#include "webhook/oidc/policy.h"

#define OIDC_KEYS_MAX 64
#define OIDC_KEYS_BYTES_MAX ((size_t)256 * 1024)
#define OIDC_KID_MAX 256

struct oidc_key {
    char *kid;
    unsigned algorithms; /* those that it can verify; bits 1 << enum oidc_algorithm */
    cjose_jwk_t *jwk;
};

struct oidc_keys {
    struct oidc_key *items;
    size_t count;
};

/* Symmetric, weak, foreign and malformed keys are left out. ERR_INVALID: no JWK set, or nothing of
 * it can be used. The caller frees *out. */
bool oidc_keys_parse(const void *bytes, size_t len, struct oidc_keys **out,
                     struct err *err) MUST_USE;
void oidc_keys_free(struct oidc_keys *keys);
/* NULL: there is none of that name that can verify that algorithm. keys may be NULL. */
const struct oidc_key *oidc_keys_find(const struct oidc_keys *keys, const char *kid,
                                      enum oidc_algorithm algorithm);

#endif
