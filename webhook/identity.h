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

/* TLS 1.2 and 1.3. */
#define IDENTITY_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%SERVER_PRECEDENCE"

/* Sets the identity for handshakes of this thread's server from now on. Borrowed. */
void identity_show(const struct identity *identity);
/* MHD_OPTION_HTTPS_CERT_CALLBACK. */
int identity_retrieve(gnutls_session_t session, const gnutls_datum_t *authorities, int count,
                      const gnutls_pk_algorithm_t *algorithms, int algorithms_count,
                      gnutls_pcert_st **chain, unsigned *chain_length, gnutls_privkey_t *key);

#endif
