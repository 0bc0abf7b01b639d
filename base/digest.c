/* Digests, MACs, signatures and randomness over OpenSSL's EVP: owns the fetched algorithms.
 * Implements no cryptography itself. */
#include "base/digest.h"

#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>

#define PREFIX "sha256:"
#define PREFIX_LEN (sizeof PREFIX - 1)

/* In OpenSSL 3 a lookup of an algorithm costs more than its use, so each is looked up once per
 * process. A template is an HMAC with a chosen digest; it is only ever duplicated, so threads may
 * share it. */
static pthread_once_t fetched = PTHREAD_ONCE_INIT;
static EVP_MD *sha256;
static EVP_MAC_CTX *templates[3];

static EVP_MAC_CTX *template_new(EVP_MAC *hmac, const char *digest) {
    char name[16];
    (void)snprintf(name, sizeof name, "%s", digest);
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_MAC_CTX *made = EVP_MAC_CTX_new(hmac);
    /* OpenSSL duplicates only a context that has had a key. */
    static const unsigned char no_key[1] = {0};
    if (made && !EVP_MAC_init(made, no_key, sizeof no_key, parameters)) {
        EVP_MAC_CTX_free(made);
        made = NULL;
    }
    return made;
}

static void fetch(void) {
    sha256 = EVP_MD_fetch(NULL, "SHA2-256", NULL);
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    if (hmac) {
        templates[DIGEST_MAC_SHA256] = template_new(hmac, "SHA2-256");
        templates[DIGEST_MAC_SHA512] = template_new(hmac, "SHA2-512");
        templates[DIGEST_MAC_SHA1] = template_new(hmac, "SHA1");
        EVP_MAC_free(hmac); /* the templates hold a reference */
    }
}

/* There is no safe value to return for a failed digest, so the process aborts. Only a system
 * without memory or without SHA-256 gets here, and a restart is always safe. */
static void insist(bool done) {
    if (!done) {
        abort();
    }
}

static const EVP_MD *sha256_fetched(void) {
    (void)pthread_once(&fetched, fetch);
    insist(sha256 != NULL);
    return sha256;
}

/* Our own result reports the failure; an entry left in the thread's queue would confuse the next
 * TLS call. */
static bool forget_errors(bool result) {
    if (!result) {
        ERR_clear_error();
    }
    return result;
}

static int hex_value(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool digest_valid(const char *text) {
    if (strncmp(text, PREFIX, PREFIX_LEN) != 0) {
        return false;
    }
    const char *hex = text + PREFIX_LEN;
    size_t count = 0;
    while (count <= (size_t)2 * DIGEST_BYTES && hex_value(hex[count]) >= 0) {
        count++;
    }
    return count == (size_t)2 * DIGEST_BYTES && !hex[count];
}

void digest_sha256(const void *bytes, size_t len, unsigned char out[DIGEST_BYTES]) {
    insist(EVP_Digest(bytes, len, out, NULL, sha256_fetched(), NULL) == 1);
}

static void text_of(const unsigned char bytes[DIGEST_BYTES], char out[DIGEST_TEXT_SIZE]) {
    memcpy(out, PREFIX, PREFIX_LEN);
    digest_hex(bytes, DIGEST_BYTES, out + PREFIX_LEN);
}

void digest_of(const void *bytes, size_t len, char out[DIGEST_TEXT_SIZE]) {
    unsigned char raw[DIGEST_BYTES];
    digest_sha256(bytes, len, raw);
    text_of(raw, out);
}

struct digest_stream {
    EVP_MD_CTX *context; /* NULL after the text was asked for */
    char text[DIGEST_TEXT_SIZE];
};

struct digest_stream *digest_stream_new(void) {
    struct digest_stream *stream = calloc(1, sizeof *stream);
    if (!stream) {
        return NULL;
    }
    stream->context = EVP_MD_CTX_new();
    if (!stream->context || !EVP_DigestInit_ex2(stream->context, sha256_fetched(), NULL)) {
        digest_stream_free(stream);
        return NULL;
    }
    return stream;
}

void digest_stream_add(struct digest_stream *stream, const void *bytes, size_t len) {
    insist(stream->context && EVP_DigestUpdate(stream->context, bytes, len) == 1);
}

void digest_stream_text(struct digest_stream *stream, char out[DIGEST_TEXT_SIZE]) {
    if (stream->context) {
        unsigned char raw[DIGEST_BYTES];
        insist(EVP_DigestFinal_ex(stream->context, raw, NULL) == 1);
        text_of(raw, stream->text);
        EVP_MD_CTX_free(TAKE(stream->context));
    }
    memcpy(out, stream->text, DIGEST_TEXT_SIZE);
}

void digest_stream_free(struct digest_stream *stream) {
    if (stream) {
        EVP_MD_CTX_free(stream->context);
        free(stream);
    }
}

static void mac_context_release(EVP_MAC_CTX **context) {
    EVP_MAC_CTX_free(*context);
}

size_t digest_hmac(enum digest_mac mac, struct digest_part key, const struct digest_part *parts,
                   size_t count, unsigned char out[DIGEST_MAC_MAX]) {
    (void)pthread_once(&fetched, fetch);
    if ((size_t)mac >= ARRAY_LENGTH(templates) || !templates[mac]) {
        return 0;
    }
    CLEANUP(mac_context_release) EVP_MAC_CTX *context = EVP_MAC_CTX_dup(templates[mac]);
    /* A NULL key would mean the previous key, the template's. */
    const unsigned char *key_bytes = key.len > 0 ? key.bytes : (const unsigned char *)"";
    if (!context || !key_bytes || !EVP_MAC_init(context, key_bytes, key.len, NULL)) {
        ERR_clear_error();
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        if (parts[i].len > 0 && !EVP_MAC_update(context, parts[i].bytes, parts[i].len)) {
            ERR_clear_error();
            return 0;
        }
    }
    size_t len = 0;
    return forget_errors(EVP_MAC_final(context, out, &len, DIGEST_MAC_MAX) == 1) ? len : 0;
}

bool digest_equal(const void *a, size_t a_len, const void *b, size_t b_len) {
    return a_len == b_len && (a_len == 0 || CRYPTO_memcmp(a, b, a_len) == 0);
}

static int base64_value(char c) {
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    return c == '+' ? 62 : (c == '/' ? 63 : -1);
}

/* Accepts only the canonical spelling: full quads, padding only at the end, unused bits zero. */
static bool base64_valid(const char *text, size_t len, size_t padding) {
    for (size_t i = 0; i < len - padding; i++) {
        if (base64_value(text[i]) < 0) {
            return false;
        }
    }
    int unused = padding == 2 ? 15 : (padding == 1 ? 3 : 0);
    return len == 0 || (base64_value(text[len - padding - 1]) & unused) == 0;
}

bool digest_base64_decode(const char *text, size_t len, unsigned char *out, size_t max,
                          size_t *out_len) {
    if (len % 4 != 0) {
        return false;
    }
    size_t padding = 0;
    while (padding < 2 && padding < len && text[len - padding - 1] == '=') {
        padding++;
    }
    size_t count = len / 4 * 3 - padding;
    if (count > max || !base64_valid(text, len, padding)) {
        return false;
    }
    uint32_t bits = 0;
    size_t written = 0;
    for (size_t i = 0; i < len; i++) {
        bits = bits << 6 | (i < len - padding ? (uint32_t)base64_value(text[i]) : 0);
        for (unsigned shift = 24; i % 4 == 3 && shift > 0 && written < count;) {
            shift -= 8;
            out[written++] = (unsigned char)(bits >> shift & 0xff);
        }
    }
    *out_len = count;
    return true;
}

bool digest_base64url_decode(const char *text, size_t len, unsigned char *out, size_t max,
                             size_t *out_len) {
    size_t whole = (len + 3) / 4 * 4;
    char *standard = len % 4 == 1 ? NULL : malloc(whole + 1);
    bool valid = standard != NULL;
    for (size_t i = 0; valid && i < whole; i++) {
        standard[i] = '=';
        if (i < len) {
            standard[i] = text[i];
            valid = text[i] != '+' && text[i] != '/' && text[i] != '=';
        }
        if (standard[i] == '-') {
            standard[i] = '+';
        } else if (standard[i] == '_') {
            standard[i] = '/';
        }
    }
    valid = valid && digest_base64_decode(standard, whole, out, max, out_len);
    free(standard);
    return valid;
}

bool digest_hex_decode(const char *text, size_t len, unsigned char *out, size_t count) {
    if (len % 2 != 0 || len / 2 != count) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (hex_value(text[i]) < 0) {
            return false;
        }
    }
    for (size_t i = 0; i < count; i++) {
        out[i] = (unsigned char)(hex_value(text[2 * i]) * 16 + hex_value(text[2 * i + 1]));
    }
    return true;
}

void digest_hex(const unsigned char *bytes, size_t len, char *out) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * len] = '\0';
}

static void key_release(EVP_PKEY **key) {
    EVP_PKEY_free(*key);
}

static void md_context_release(EVP_MD_CTX **context) {
    EVP_MD_CTX_free(*context);
}

bool digest_ed25519_verify(const unsigned char public_key[32], const void *message, size_t len,
                           const unsigned char signature[64]) {
    CLEANUP(key_release)
    EVP_PKEY *key = EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, public_key, 32);
    CLEANUP(md_context_release) EVP_MD_CTX *context = EVP_MD_CTX_new();
    return forget_errors(key && context &&
                         EVP_DigestVerifyInit(context, NULL, NULL, NULL, key) == 1 &&
                         EVP_DigestVerify(context, signature, 64, message, len) == 1);
}

bool digest_random(void *out, size_t len) {
    return forget_errors(len <= INT_MAX && RAND_bytes(out, (int)len) == 1);
}
