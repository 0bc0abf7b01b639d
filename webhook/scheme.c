/* Helpers of all schemes: reading a request, comparing in constant time, identifying deliveries.
 * Never decides. */
#include "webhook/scheme.h"

#include <strings.h>

#define HMAC_SECRET "whsec_"
#define TIMESTAMP_DIGITS 12

const char *scheme_value(const struct authentication_request *request, const char *name) {
    const char *value = request->header(request->context, name);
    return value ? value : "";
}

const char *scheme_credentials(const struct authentication_request *request, const char *name) {
    const char *text = scheme_value(request, "Authorization");
    size_t len = strcspn(text, " ");
    bool right = len == strlen(name) && strncasecmp(text, name, len) == 0;
    return right ? text + len + strspn(text + len, " ") : text + strlen(text);
}

struct digest_part scheme_part(const char *text) {
    return (struct digest_part){text, strlen(text)};
}

struct digest_part scheme_body(const struct authentication_request *request) {
    return (struct digest_part){request->body ? request->body : "", request->body_len};
}

/* Hashes have a fixed length, which keeps the parts apart. */
void scheme_key(char kind, const struct sender *sender, struct digest_part what,
                struct authentication_proof *out) {
    unsigned char text[1 + 2 * DIGEST_BYTES] = {(unsigned char)kind};
    digest_sha256(sender->name, strlen(sender->name), text + 1);
    digest_sha256(what.bytes, what.len, text + 1 + DIGEST_BYTES);
    digest_sha256(text, sizeof text, out->key);
    out->keyed = true;
}

void scheme_key_of_anybody(char kind, struct digest_part what, struct authentication_proof *out) {
    unsigned char text[1 + DIGEST_BYTES] = {(unsigned char)kind};
    digest_sha256(what.bytes, what.len, text + 1);
    digest_sha256(text, sizeof text, out->key);
    out->keyed = true;
}

void scheme_key_chosen(const struct sender *sender, const struct authentication_request *request,
                       struct authentication_proof *out) {
    const char *id = scheme_value(request, "webhook-id");
    if (id[0]) {
        scheme_key('i', sender, scheme_part(id), out);
    }
}

bool scheme_seconds_near(const char *text, int64_t now_ms) {
    size_t len = strlen(text);
    if (len == 0 || len > TIMESTAMP_DIGITS || text[0] == '0') {
        return false;
    }
    int64_t seconds = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
        seconds = seconds * 10 + (text[i] - '0');
    }
    int64_t away = now_ms - seconds * 1000;
    return away >= -AUTHENTICATION_TOLERANCE_MS && away <= AUTHENTICATION_TOLERANCE_MS;
}

bool scheme_hex_equal(const char *text, const unsigned char *mac, size_t mac_len) {
    unsigned char given[DIGEST_MAC_MAX];
    return mac_len > 0 && strlen(text) == 2 * mac_len &&
           digest_hex_decode(text, 2 * mac_len, given, mac_len) &&
           digest_equal(given, mac_len, mac, mac_len);
}

bool scheme_hex_signed(const struct sender *sender, const struct digest_part *parts, size_t count,
                       const char *text) {
    bool match = false;
    for (size_t i = 0; i < sender->secret_count; i++) {
        const struct secret *secret = &sender->secrets[i];
        unsigned char mac[DIGEST_MAC_MAX];
        size_t len = 0;
        if (secret->bytes && secret->len > 0) {
            len = digest_hmac(DIGEST_MAC_SHA256, (struct digest_part){secret->bytes, secret->len},
                              parts, count, mac);
        }
        match |= scheme_hex_equal(text, mac, len);
    }
    return match;
}

bool scheme_secret_equal(const struct sender *sender, const char *text, size_t len) {
    bool match = false;
    for (size_t i = 0; i < sender->secret_count; i++) {
        match |= secret_equal(&sender->secrets[i], text, len);
    }
    return match && len > 0;
}

bool scheme_whsec_key(const struct secret *secret, unsigned char decoded[SCHEME_KEY_MAX],
                      struct digest_part *out) {
    const char *text = (const char *)secret->bytes;
    size_t prefix = sizeof HMAC_SECRET - 1;
    if (secret->len < prefix || memcmp(text, HMAC_SECRET, prefix) != 0) {
        *out = (struct digest_part){secret->bytes, secret->len};
        return true;
    }
    size_t len = 0;
    if (!digest_base64_decode(text + prefix, secret->len - prefix, decoded, SCHEME_KEY_MAX, &len) ||
        len == 0) {
        return false;
    }
    *out = (struct digest_part){decoded, len};
    return true;
}
