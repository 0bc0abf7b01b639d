/* The public keys of an issuer: a JWK set (RFC 7517), reduced to keys that can verify a token
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
    unsigned algorithms; /* bits 1 << enum oidc_algorithm that it can verify */
    cjose_jwk_t *jwk;
};

struct oidc_keys {
    struct oidc_key *items;
    size_t count;
};

/* Skips symmetric, weak, foreign and malformed keys. ERR_INVALID: no JWK set, or no usable key. The
 * caller frees *out. */
bool oidc_keys_parse(const void *bytes, size_t len, struct oidc_keys **out,
                     struct err *err) MUST_USE;
void oidc_keys_free(struct oidc_keys *keys);
/* The key with that id for that algorithm; NULL: none. keys may be NULL. */
const struct oidc_key *oidc_keys_find(const struct oidc_keys *keys, const char *kid,
                                      enum oidc_algorithm algorithm);

#endif
