/* Makes the body and signature of a statement. Sends nothing, and never puts a secret into a
 * message. */
#include "agent/cli/notice.h"

#include <string.h>

#include "agent/cli/image.h"
#include "base/digest.h"

#define SECRET_PREFIX "whsec_"
#define ID_RANDOM_BYTES 12u
#define HEADER_MAX (SECRET_MAX + 64)

void notice_key_release(struct notice_key *key) {
    secret_release(&key->bytes);
}

static bool begins(const struct secret *written, const char *prefix) {
    size_t len = strlen(prefix);
    return written->len >= len && memcmp(written->bytes, prefix, len) == 0;
}

static bool decode(const struct secret *written, struct secret *out, struct err *err) {
    const char *text = (const char *)written->bytes + strlen(SECRET_PREFIX);
    unsigned char *key = malloc(written->len);
    size_t key_len = 0;
    if (!key) {
        return err_set(err, ERR_BUG, "out of memory");
    }
    bool ok = digest_base64_decode(text, written->len - strlen(SECRET_PREFIX), key, written->len,
                                   &key_len) &&
              key_len > 0;
    ok =
        ok ? secret_set(out, key, key_len, err)
           : err_set(err, ERR_INVALID, "the secret begins with whsec_, but is not base64 after it");
    explicit_bzero(key, written->len);
    free(key);
    return ok;
}

static bool token_valid(const struct secret *token) {
    for (size_t i = 0; i < token->len; i++) {
        if (token->bytes[i] <= 0x20 || token->bytes[i] >= 0x7F) {
            return false;
        }
    }
    return token->len > 0;
}

bool notice_key_read(enum notice_proof proof, const struct secret *written, struct notice_key *out,
                     struct err *err) {
    if (proof != NOTICE_SECRET) {
        if (!token_valid(written)) {
            return err_set(err, ERR_INVALID,
                           "a token is one line without blanks or control characters");
        }
    } else if (begins(written, "whpk_") || begins(written, "whsk_")) {
        return err_set(err, ERR_INVALID,
                       "an Ed25519 key (whpk_, whsk_) is no shared secret (whsec_)");
    } else if (begins(written, SECRET_PREFIX)) {
        if (!decode(written, &out->bytes, err)) {
            return false;
        }
        out->proof = proof;
        return true;
    }
    if (!secret_set(&out->bytes, written->bytes, written->len, err)) {
        return false;
    }
    out->proof = proof;
    return true;
}

bool notice_id(char out[NOTICE_ID_SIZE]) {
    unsigned char bytes[ID_RANDOM_BYTES];
    if (!digest_random(bytes, sizeof bytes)) {
        return false;
    }
    char hex[2 * ID_RANDOM_BYTES + 1];
    digest_hex(bytes, sizeof bytes, hex);
    (void)snprintf(out, NOTICE_ID_SIZE, "msg_%s", hex);
    return true;
}

static bool put(json_t *object, const char *member, json_t *value) {
    return json_object_set_new(object, member, value) == 0;
}

bool notice_body(const struct ref *image, const json_t *meta, struct buf *out, struct err *err) {
    CLEANUP(json_release) json_t *body = json_object();
    char text[REF_TEXT_SIZE];
    bool ok = put(body, "image", json_string(image_text(image, text)));
    if (ok && image->digest[0] != '\0') {
        ok = put(body, "digest", json_string(image->digest));
    }
    if (ok && json_object_size(meta) > 0) {
        ok = put(body, "meta", json_deep_copy(meta));
    }
    if (!ok) {
        return err_set(err, ERR_BUG, "out of memory");
    }
    json_write(body, out);
    return !out->overflow || err_set(err, ERR_INVALID, "the statement is too long");
}

void notice_headers_release(struct notice_headers *headers) {
    buf_release(&headers->id);
    buf_release(&headers->timestamp);
    secret_release(&headers->proof);
}

/* "webhook-signature: v1,BASE64" over id, dot, timestamp, dot, body. */
static bool sign(const struct notice_stamp *stamp, const void *body, size_t len, struct buf *out) {
    unsigned char mac[DIGEST_MAC_MAX];
    char seconds[32];
    (void)snprintf(seconds, sizeof seconds, "%lld", (long long)stamp->seconds);
    const struct digest_part parts[] = {{stamp->id, strlen(stamp->id)},
                                        {".", 1},
                                        {seconds, strlen(seconds)},
                                        {".", 1},
                                        {body ? body : "", len}};
    struct digest_part key = {stamp->key->bytes.bytes, stamp->key->bytes.len};
    size_t mac_len = digest_hmac(DIGEST_MAC_SHA256, key, parts, ARRAY_LENGTH(parts), mac);
    buf_puts(out, "webhook-signature: v1,");
    buf_put_base64(out, mac, mac_len);
    return mac_len > 0;
}

bool notice_headers_make(const struct notice_stamp *stamp, const void *body, size_t len,
                         struct notice_headers *out, struct err *err) {
    CLEANUP(buf_release) struct buf proof = BUF_INIT(HEADER_MAX);
    size_t count = 0;
    out->list[count++] = "Accept: application/json";
    if (len > 0) {
        out->list[count++] = "Content-Type: application/json";
    }
    bool ok = true;
    if (stamp->key->proof != NOTICE_OIDC) {
        /* An OIDC token is recognised by its form. */
        buf_printf(&out->id, "webhook-id: %s", stamp->id);
        out->list[count++] = buf_text(&out->id);
    }
    if (stamp->key->proof != NOTICE_SECRET) {
        buf_puts(&proof, "Authorization: Bearer ");
        buf_append(&proof, stamp->key->bytes.bytes, stamp->key->bytes.len);
    } else {
        buf_printf(&out->timestamp, "webhook-timestamp: %lld", (long long)stamp->seconds);
        out->list[count++] = buf_text(&out->timestamp);
        ok = sign(stamp, body, len, &proof);
    }
    ok = ok && !proof.overflow && secret_set(&out->proof, buf_text(&proof), proof.len, err);
    if (proof.data) {
        explicit_bzero(proof.data, proof.len);
    }
    if (!ok) {
        return err_set(err, ERR_BUG, "the statement cannot be signed: out of memory");
    }
    out->list[count++] = (const char *)out->proof.bytes;
    out->list[count] = NULL;
    return true;
}
