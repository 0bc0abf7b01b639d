/* Certificates: validity, also before 1970 and after 2038. */
#include "base/certificate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/clock.h"
#include "base/digest.h"

static EVP_PKEY *key;

/* A certificate for the key, valid between two times "20391231235959Z"; the caller frees it. */
static char *certificate_of(const char *from, const char *until) {
    X509 *certificate = X509_new();
    BIO *bio = BIO_new(BIO_s_mem());
    char *bytes = NULL;
    assert_int_equal(ASN1_TIME_set_string_X509(X509_getm_notBefore(certificate), from), 1);
    assert_int_equal(ASN1_TIME_set_string_X509(X509_getm_notAfter(certificate), until), 1);
    assert_int_equal(X509_set_pubkey(certificate, key), 1);
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
    assert_int_equal(PEM_write_bio_X509(bio, certificate), 1);
    long len = BIO_get_mem_data(bio, &bytes);
    char *pem = strndup(bytes, (size_t)len);
    BIO_free(bio);
    X509_free(certificate);
    return pem;
}

/* An RSA key of 2048 bits, from 2039-12-31T23:59:59Z to 2060-01-01T00:00:00Z. */
static const char late[] = "-----BEGIN CERTIFICATE-----\n"
                           "MIICoDCCAYgCAQEwDQYJKoZIhvcNAQELBQAwFTETMBEGA1UEAwwKbGFuZHdhaXRl\n"
                           "cjAgFw0zOTEyMzEyMzU5NTlaGA8yMDYwMDEwMTAwMDAwMFowFTETMBEGA1UEAwwK\n"
                           "bGFuZHdhaXRlcjCCASIwDQYJKoZIhvcNAQEBBQADggEPADCCAQoCggEBAMoYmsZu\n"
                           "DSyeFNu/gXabRIHQVq68mkVARmGfR9U3gKiVZXm+wtzAGKKscPmhWFanO/0SwX6s\n"
                           "vAylyBwLSAGrCc9GsIQhJyKndy+CkwRiDL7/doTczEQcfUByCQUuh/7QsxVfl2sC\n"
                           "4uJCl/X6MUClI6OX+BG7krWph3trKE4rHaptTv/zSDvcGZdAtdx30cDP7F+BLtn+\n"
                           "bM1XdRfjTyElJMlBT4Fn8hC+Y1kMMTFAkaSVoeWGapeKcCqFxbF6fJK8geU+OLXs\n"
                           "f8j6w2vGfeibs9bZO4melodQDFQzFti57/WVVPUOYXFZFNDHCujde33QAr0kJaiQ\n"
                           "xWGfj4I8CYPfnnsCAwEAATANBgkqhkiG9w0BAQsFAAOCAQEAODTIFOtfaVKStAgZ\n"
                           "5Wa7/B/Km+ZXhnveu2t/t1VEkfNNThjU4tXko23/sMIwdR2OHojNyx63NY8nD00o\n"
                           "nFCTQ+gs07MZx7A7P+qxV7eln/oJVWlV0WqAV+DmJoU3q+HrRwrky6xEOYA7STtb\n"
                           "V+cCgIU+NJPwMbbAYMQaMJNSJBgrJV8nCmVPtQersNhMHEaYeq7jpyyBm07056cK\n"
                           "QAur35pxJbGVXF624nhsILBlPCl3wwBW8B7wQKadbYuxnffWVh3SjZqaKdQGtNnW\n"
                           "lwlxcFNjtutWgSRPlFFLmpXZNIxQiZGXYvXsmFnkivVHfbt5LOBb3tKQuhUS6sXZ\n"
                           "kKjQcg==\n"
                           "-----END CERTIFICATE-----\n";
/* "it", signed by that key. */
static const char signed_it[] =
    "svTPbp+L8ZqCyIl9FO+T3/dXll/85D/Kgd2d3dXi+W3H0hHnObtGX2l0lWRgy2LuYqv/EV8aYwzY"
    "aB82XPJRlWeeLnLc1Ab7ls25xREpcJ4Kik2CbEoKBzPUotzEhESnQK8tcEto2lzuFjgQAnFR+Z3o"
    "t87bmSWfvYwG0cGPfEdLASwV88dicPEkFAYvujQWbEJ2AHGTgwnRsZ/4TIqu/Jse2C5P6z+XaAZk"
    "s6OHe1TgFIEhkLVpQ7Hc+J0yE4fMSwn+dMEK9TzilvXD/wWzq5gEzJo65S3iqo7VPDnUMl+wXU9P"
    "+2R7wW9FN/XYHok+JlX3849AMojchvcXEzu73g==";

static void when_it_ends(void **state) {
    (void)state;
    static const struct {
        const char *until, *text;
    } rows[] = {
        {"19691231235959Z", "1969-12-31T23:59:59.000Z"},
        {"20380119031408Z", "2038-01-19T03:14:08.000Z"},
        {"20491231235959Z", "2049-12-31T23:59:59.000Z"},
        {"20500101000000Z", "2050-01-01T00:00:00.000Z"},
        {"99991231235959Z", "9999-12-31T23:59:59.000Z"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        CLEANUP(own_free) char *pem = certificate_of("19500101000000Z", rows[i].until);
        char text[CLOCK_TEXT_SIZE];
        int64_t ms = 0;
        assert_true(certificate_expires(pem, &ms));
        assert_string_equal(clock_format(ms, text), rows[i].text);
    }
    int64_t ms = 7;
    assert_false(certificate_expires("-----BEGIN CERTIFICATE-----\n", &ms));
    assert_int_equal(ms, 7);
}

static void it_signs_only_while_it_is_valid(void **state) {
    (void)state;
    static const struct {
        const char *now;
        bool valid;
    } rows[] = {
        {"1904-02-07T00:00:00Z", false}, {"2026-11-20T12:00:00Z", false},
        {"2038-01-19T03:14:08Z", false}, {"2039-12-31T23:59:58Z", false},
        {"2040-01-01T00:00:00Z", true},  {"2049-12-31T23:59:59Z", true},
        {"2059-12-31T23:59:59Z", true},  {"2060-01-01T00:00:01Z", false},
    };
    unsigned char signature[256];
    size_t len = 0;
    assert_true(
        digest_base64_decode(signed_it, strlen(signed_it), signature, sizeof signature, &len));
    const struct certificate_statement statement = {
        .message = "it", .message_len = 2, .signature = signature, .signature_len = len};
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        int64_t now_ms = 0;
        assert_true(clock_parse(rows[i].now, &now_ms));
        assert_int_equal(certificate_signed(late, &statement, now_ms), rows[i].valid);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(when_it_ends),
        cmocka_unit_test(it_signs_only_while_it_is_valid),
    };
    key = EVP_EC_gen("P-256");
    int failed = key ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
    EVP_PKEY_free(key);
    return failed;
}
