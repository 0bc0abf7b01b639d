/* The TLS identity of the listener: a certificate chain and its key, over GnuTLS, which
 * libmicrohttpd uses. */
#ifndef LANDWAITER_WEBHOOK_IDENTITY_H
#define LANDWAITER_WEBHOOK_IDENTITY_H

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/secret.h"

struct identity;

/* Two PEM files. */
struct identity_files {
    struct secret certificate, key;
    const char *certificate_path, *key_path; /* for messages; borrowed */
};
void identity_files_release(struct identity_files *files);
/* Blocks on the disk. *out is to be released in any case. */
bool identity_files_read(const char *certificate, const char *key, struct identity_files *out,
                         struct err *err) MUST_USE;
/* As identity_load. */
bool identity_parse(const struct identity_files *files, struct identity **out,
                    struct err *err) MUST_USE;

/* Loads PEM files. ERR_INVALID: unreadable, no certificate or key, or a key of another certificate;
 * says which and why. The caller frees *out. Blocks on the disk. */
bool identity_load(const char *certificate, const char *key, struct identity **out,
                   struct err *err) MUST_USE;
void identity_free(struct identity *identity);
/* Expiry, in ms since 1970. */
int64_t identity_expires_ms(const struct identity *identity);

/* TLS 1.2 and 1.3, with forward secrecy and authenticated encryption alone: Mozilla's intermediate
 * profile without its finite-field DHE, which only clients need that have no elliptic curves. */
#define IDENTITY_PRIORITIES                                                                        \
    "NONE:+VERS-TLS1.3:+VERS-TLS1.2:+COMP-NULL:+AEAD:+ECDHE-ECDSA:+ECDHE-RSA:+AES-128-GCM:"        \
    "+AES-256-GCM:+CHACHA20-POLY1305:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:"             \
    "+SIGN-ECDSA-SHA256:+SIGN-ECDSA-SHA384:+SIGN-ECDSA-SHA512:+SIGN-ECDSA-SECP256R1-SHA256:"       \
    "+SIGN-ECDSA-SECP384R1-SHA384:+SIGN-ECDSA-SECP521R1-SHA512:+SIGN-EDDSA-ED25519:"               \
    "+SIGN-RSA-PSS-SHA256:+SIGN-RSA-PSS-SHA384:+SIGN-RSA-PSS-SHA512:+SIGN-RSA-PSS-RSAE-SHA256:"    \
    "+SIGN-RSA-PSS-RSAE-SHA384:+SIGN-RSA-PSS-RSAE-SHA512:+SIGN-RSA-SHA256:+SIGN-RSA-SHA384:"       \
    "+SIGN-RSA-SHA512:+CTYPE-X509:%SERVER_PRECEDENCE"

/* Sets the identity for handshakes of this thread's server from now on. Borrowed. */
void identity_show(const struct identity *identity);
/* MHD_OPTION_HTTPS_CERT_CALLBACK. */
int identity_retrieve(gnutls_session_t session, const gnutls_datum_t *authorities, int count,
                      const gnutls_pk_algorithm_t *algorithms, int algorithms_count,
                      gnutls_pcert_st **chain, unsigned *chain_length, gnutls_privkey_t *key);

#endif
