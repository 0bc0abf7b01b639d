/* X.509 certificates that verify signatures (PEM, one certificate), over OpenSSL. */
#ifndef LANDWAITER_BASE_CERTIFICATE_H
#define LANDWAITER_BASE_CERTIFICATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define CERTIFICATE_MAX 65536 /* bytes of PEM */

/* Is pem a certificate with an RSA key of at least 2048 bits? ERR_INVALID says what to write. */
bool certificate_check(const char *pem, struct err *err) MUST_USE;
/* Expiry of the first certificate in a PEM text. False: the text has none. */
bool certificate_expires(const char *pem, int64_t *out_ms) MUST_USE;

struct certificate_statement {
    const void *message;
    size_t message_len;
    const void *signature;
    size_t signature_len;
};
/* Verifies an RSA PKCS#1 v1.5 signature with SHA-256; the certificate must be valid at now_ms. */
bool certificate_signed(const char *pem, const struct certificate_statement *statement,
                        int64_t now_ms) MUST_USE;

#endif
