/* Certificates, over OpenSSL. Implements no cryptography itself. */
#include "base/certificate.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>

#include "base/clock.h"
#include "base/own.h"

#define RSA_BITS_MIN 2048

static void x509_release(X509 **certificate) {
    X509_free(*certificate);
}

static void context_release(EVP_MD_CTX **context) {
    EVP_MD_CTX_free(*context);
}

static X509 *read_pem(const char *pem) {
    size_t len = strlen(pem);
    BIO *bio = len <= CERTIFICATE_MAX ? BIO_new_mem_buf(pem, (int)len) : NULL;
    X509 *certificate = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    BIO_free(bio);
    return certificate;
}

/* Borrowed from the certificate; NULL: no RSA key, or a short one. */
static EVP_PKEY *rsa_key(const X509 *certificate) {
    EVP_PKEY *key = X509_get0_pubkey(certificate);
    return key && EVP_PKEY_is_a(key, "RSA") && EVP_PKEY_get_bits(key) >= RSA_BITS_MIN ? key : NULL;
}

bool certificate_check(const char *pem, struct err *err) {
    CLEANUP(x509_release) X509 *certificate = read_pem(pem);
    bool usable = certificate && rsa_key(certificate);
    ERR_clear_error();
    if (!certificate) {
        return err_set(err, ERR_INVALID, "it holds no certificate in PEM form");
    }
    return usable ||
           err_set(err, ERR_INVALID, "its key is not an RSA key of at least %d bits", RSA_BITS_MIN);
}

static bool read_time(const ASN1_TIME *time, int64_t *out_ms) {
    struct tm utc = {0};
    if (ASN1_TIME_to_tm(time, &utc) != 1) {
        return false;
    }
    *out_ms = clock_of_tm(&utc);
    return true;
}

static bool valid_at(const X509 *certificate, int64_t now_ms) {
    int64_t from_ms = 0, until_ms = 0;
    return read_time(X509_get0_notBefore(certificate), &from_ms) &&
           read_time(X509_get0_notAfter(certificate), &until_ms) && from_ms < now_ms &&
           now_ms < until_ms;
}

bool certificate_expires(const char *pem, int64_t *out_ms) {
    CLEANUP(x509_release) X509 *certificate = read_pem(pem);
    bool read = certificate && read_time(X509_get0_notAfter(certificate), out_ms);
    ERR_clear_error();
    return read;
}

bool certificate_signed(const char *pem, const struct certificate_statement *statement,
                        int64_t now_ms) {
    CLEANUP(x509_release) X509 *certificate = read_pem(pem);
    EVP_PKEY *key = certificate ? rsa_key(certificate) : NULL;
    CLEANUP(context_release) EVP_MD_CTX *context = key ? EVP_MD_CTX_new() : NULL;
    bool match = context && valid_at(certificate, now_ms) &&
                 EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key) == 1 &&
                 EVP_DigestVerify(context, statement->signature, statement->signature_len,
                                  statement->message, statement->message_len) == 1;
    ERR_clear_error();
    return match;
}
