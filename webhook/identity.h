/* Who the listener says it is under TLS: a chain of certificates and its key, over GnuTLS, which is
 * what libmicrohttpd speaks TLS with. */
#ifndef LANDWAITER_WEBHOOK_IDENTITY_H
#define LANDWAITER_WEBHOOK_IDENTITY_H

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct identity;

/* PEM files. ERR_INVALID: unreadable, no certificate or key, or not of each other; says which and
 * why. The caller frees *out. Blocks for as long as the disk does. */
bool identity_load(const char *certificate, const char *key, struct identity **out,
                   struct err *err) MUST_USE;
void identity_free(struct identity *identity);
/* When it ceases to be valid, in ms since 1970. */
int64_t identity_expires_ms(const struct identity *identity);

/* TLS 1.2 and 1.3. */
#define IDENTITY_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%SERVER_PRECEDENCE"

/* For the server that runs on this thread: what its handshakes show from now on. Borrowed. */
void identity_show(const struct identity *identity);
/* MHD_OPTION_HTTPS_CERT_CALLBACK. */
int identity_retrieve(gnutls_session_t session, const gnutls_datum_t *authorities, int count,
                      const gnutls_pk_algorithm_t *algorithms, int algorithms_count,
                      gnutls_pcert_st **chain, unsigned *chain_length, gnutls_privkey_t *key);

#endif
