/* Content digests (`sha256:` and 64 lower-case hexadecimal digits; OCI image-spec descriptor.md),
 * MACs, base64 and randomness, over OpenSSL's EVP. */
#ifndef LANDWAITER_BASE_DIGEST_H
#define LANDWAITER_BASE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/own.h"

#define DIGEST_TEXT_SIZE 72 /* "sha256:" + 64 + the closing zero */
#define DIGEST_BYTES 32
#define DIGEST_MAC_MAX 64

/* Only sha256 in lower case is accepted (CVE-2024-3727 came from unvalidated digests). */
bool digest_valid(const char *text) MUST_USE;

/* These cannot fail: the process aborts if it has no memory or OpenSSL has no SHA-256. */
void digest_sha256(const void *bytes, size_t len, unsigned char out[DIGEST_BYTES]);
/* "sha256:…" of the bytes. */
void digest_of(const void *bytes, size_t len, char out[DIGEST_TEXT_SIZE]);

/* Incremental hashing, for bodies that arrive in parts. */
struct digest_stream;
struct digest_stream *digest_stream_new(void) MUST_USE; /* NULL: out of memory */
void digest_stream_add(struct digest_stream *stream, const void *bytes, size_t len);
/* Ends the stream; nothing may be added afterwards. Repeated calls return the same text. */
void digest_stream_text(struct digest_stream *stream, char out[DIGEST_TEXT_SIZE]);
void digest_stream_free(struct digest_stream *stream);

/* SHA-1 for senders that offer nothing else (Nexus); its collisions do not break an HMAC. */
enum digest_mac { DIGEST_MAC_SHA256, DIGEST_MAC_SHA512, DIGEST_MAC_SHA1 };
struct digest_part {
    const void *bytes;
    size_t len;
};
/* HMAC over the concatenated parts. Returns the MAC's length; 0: OpenSSL is out of memory. */
size_t digest_hmac(enum digest_mac mac, struct digest_part key, const struct digest_part *parts,
                   size_t count, unsigned char out[DIGEST_MAC_MAX]) MUST_USE;

/* Constant-time for equal lengths; false for different ones. */
bool digest_equal(const void *a, size_t a_len, const void *b, size_t b_len) MUST_USE;

/* Strict base64 (standard alphabet, padded, no white space, no stray bits) of at most max bytes.
 * False: text is not such base64. */
bool digest_base64_decode(const char *text, size_t len, unsigned char *out, size_t max,
                          size_t *out_len) MUST_USE;
/* The same for base64url without padding (RFC 7515 section 2). */
bool digest_base64url_decode(const char *text, size_t len, unsigned char *out, size_t max,
                             size_t *out_len) MUST_USE;
/* Lower-case hexadecimal of exactly 2*count digits. */
bool digest_hex_decode(const char *text, size_t len, unsigned char *out, size_t count) MUST_USE;
void digest_hex(const unsigned char *bytes, size_t len, char *out /* 2*len+1 */);

/* Verifies an Ed25519 signature over the concatenated message. public_key has 32 bytes, signature
 * 64. */
bool digest_ed25519_verify(const unsigned char public_key[32], const void *message, size_t len,
                           const unsigned char signature[64]) MUST_USE;

bool digest_random(void *out, size_t len) MUST_USE;

#endif
