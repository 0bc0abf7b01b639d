/* A hexadecimal HMAC of the raw body in a header, as most sources send. It covers no time, so the
 * same body is the same delivery. */
#include "webhook/scheme.h"

static bool body_signed(const struct sender *sender, const struct secret *secret,
                        const struct authentication_request *request) {
    if (!secret->bytes || secret->len == 0) {
        return false;
    }
    const char *text = scheme_value(request, sender->hmac_header);
    const char *prefix = sender->hmac_prefix ? sender->hmac_prefix : "";
    struct digest_part body = scheme_body(request);
    unsigned char mac[DIGEST_MAC_MAX];
    size_t mac_len = digest_hmac(sender->hmac_algorithm,
                                 (struct digest_part){secret->bytes, secret->len}, &body, 1, mac);
    return strncmp(text, prefix, strlen(prefix)) == 0 &&
           scheme_hex_equal(text + strlen(prefix), mac, mac_len);
}

bool scheme_body_hmac(const struct sender *sender, const struct authentication_request *request,
                      struct authentication_proof *out) {
    bool match = false;
    for (size_t i = 0; i < sender->secret_count; i++) {
        match |= body_signed(sender, &sender->secrets[i], request);
    }
    if (match) {
        scheme_key('b', sender, scheme_body(request), out);
    }
    return match;
}
