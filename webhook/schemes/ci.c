/* Signatures of CI systems (protocols.md section 1.15): CircleCI over the body, Buildkite over a
 * time and the body, Drone with an HTTP signature over Date and Digest. */
#include <strings.h>

#include "base/clock.h"
#include "webhook/scheme.h"

#define FIELD_MAX 128

/* The value of NAME in `name=value,name=value`, without quotes. False: missing, repeated, or too
 * long. */
static bool field(const char *list, const char *name, char out[FIELD_MAX]) {
    bool found = false;
    size_t name_len = strlen(name);
    while (*list) {
        list += strspn(list, ", ");
        size_t len = strcspn(list, ",");
        if (len > name_len && memcmp(list, name, name_len) == 0 && list[name_len] == '=') {
            const char *value = list + name_len + 1;
            size_t value_len = len - name_len - 1;
            if (value_len >= 2 && value[0] == '"' && value[value_len - 1] == '"') {
                value++;
                value_len -= 2;
            }
            if (found || value_len >= FIELD_MAX) {
                return false;
            }
            memcpy(out, value, value_len);
            out[value_len] = '\0';
            found = true;
        }
        list += len;
    }
    return found;
}

/* circleci-signature: v1=HEX, perhaps beside newer versions, which are ignored. */
bool scheme_circleci(const struct sender *sender, const struct authentication_request *request,
                     struct authentication_proof *out) {
    char given[FIELD_MAX] = "";
    struct digest_part body = scheme_body(request);
    bool there = field(scheme_value(request, "circleci-signature"), "v1", given);
    if (!scheme_hex_signed(sender, &body, 1, given) || !there) {
        return false;
    }
    scheme_key('b', sender, body, out);
    return true;
}

/* X-Buildkite-Signature: timestamp=SECONDS,signature=HEX, over SECONDS.BODY. */
bool scheme_buildkite(const struct sender *sender, const struct authentication_request *request,
                      struct authentication_proof *out) {
    const char *header = scheme_value(request, "X-Buildkite-Signature");
    char timestamp[FIELD_MAX] = "";
    char given[FIELD_MAX] = "";
    bool there = field(header, "timestamp", timestamp);
    there = field(header, "signature", given) && there;
    const struct digest_part parts[] = {scheme_part(timestamp), scheme_part("."),
                                        scheme_body(request)};
    if (!scheme_hex_signed(sender, parts, ARRAY_LENGTH(parts), given) || !there ||
        !scheme_seconds_near(timestamp, request->now_ms)) {
        return false;
    }
    scheme_key('t', sender, scheme_part(given), out); /* the signature covers time and body */
    return true;
}

static bool drone_signed(const struct sender *sender, const struct digest_part *parts, size_t count,
                         const char *given) {
    unsigned char raw[DIGEST_BYTES];
    size_t raw_len = 0;
    bool decoded = digest_base64_decode(given, strlen(given), raw, sizeof raw, &raw_len) &&
                   raw_len == sizeof raw;
    bool match = false;
    for (size_t i = 0; i < sender->secret_count; i++) {
        const struct secret *secret = &sender->secrets[i];
        unsigned char mac[DIGEST_MAC_MAX];
        size_t len = 0;
        if (secret->bytes && secret->len > 0) {
            len = digest_hmac(DIGEST_MAC_SHA256, (struct digest_part){secret->bytes, secret->len},
                              parts, count, mac);
        }
        match |= decoded && len > 0 && digest_equal(raw, raw_len, mac, len);
    }
    return match;
}

/* Is the header Digest: SHA-256=BASE64 of this body? */
static bool drone_digest(const struct authentication_request *request) {
    static const char name[] = "SHA-256=";
    const char *text = scheme_value(request, "Digest");
    unsigned char given[DIGEST_BYTES];
    unsigned char computed[DIGEST_BYTES];
    size_t len = 0;
    struct digest_part body = scheme_body(request);
    digest_sha256(body.bytes, body.len, computed);
    return strncasecmp(text, name, sizeof name - 1) == 0 &&
           digest_base64_decode(text + sizeof name - 1, strlen(text) - (sizeof name - 1), given,
                                sizeof given, &len) &&
           digest_equal(given, len, computed, sizeof computed);
}

static bool drone_date(const char *date, int64_t now_ms) {
    int64_t at_ms = 0;
    bool read = clock_http_parse(date, &at_ms);
    int64_t away = now_ms - at_ms;
    return read && away >= -AUTHENTICATION_TOLERANCE_MS && away <= AUTHENTICATION_TOLERANCE_MS;
}

/* Signature: …,signature="BASE64",headers="date digest". Ignores the algorithm that it names. */
bool scheme_drone(const struct sender *sender, const struct authentication_request *request,
                  struct authentication_proof *out) {
    const char *signature = scheme_value(request, "Signature");
    const char *date = scheme_value(request, "Date");
    char given[FIELD_MAX] = "";
    char headers[FIELD_MAX] = "";
    bool there = field(signature, "signature", given);
    there = field(signature, "headers", headers) && there;
    const struct digest_part parts[] = {scheme_part("date: "), scheme_part(date),
                                        scheme_part("\ndigest: "),
                                        scheme_part(scheme_value(request, "Digest"))};
    bool match = drone_signed(sender, parts, ARRAY_LENGTH(parts), given);
    if (!match || !there || strcmp(headers, "date digest") != 0 || !drone_digest(request) ||
        !drone_date(date, request->now_ms)) {
        return false;
    }
    scheme_key('d', sender, scheme_part(given), out); /* the signature covers time and body */
    return true;
}
