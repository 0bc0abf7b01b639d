/* Standard Webhooks: HMAC-SHA256 or Ed25519 over id.timestamp.body. */
#include "base/buf.h"
#include "webhook/scheme.h"

#define HMAC_SECRET "whsec_"
#define ED25519_KEY "whpk_"
#define SIGNATURES_MAX 16 /* in one header; more than a rotation needs */
#define ED25519_BYTES 64

/* The signed text: id.timestamp.body. */
struct statement {
    struct digest_part parts[5];
    const char *signatures;
};

static bool id_usable(const char *id) {
    size_t len = strlen(id);
    for (size_t i = 0; i < len; i++) {
        if (id[i] <= ' ' || id[i] > '~' || id[i] == '.') {
            return false;
        }
    }
    return len > 0 && len <= AUTHENTICATION_ID_MAX;
}

/* The next of the space-separated signatures of this version; NULL at the end. */
static const char *next_signature(const char **list, const char *version, size_t *len) {
    size_t version_len = strlen(version);
    while (**list) {
        *list += strspn(*list, " ");
        const char *entry = *list;
        size_t entry_len = strcspn(entry, " ");
        *list += entry_len;
        if (entry_len > version_len && memcmp(entry, version, version_len) == 0) {
            *len = entry_len - version_len;
            return entry + version_len;
        }
    }
    return NULL;
}

static bool hmac_signed(const struct secret *secret, const struct statement *statement) {
    unsigned char decoded[SCHEME_KEY_MAX];
    unsigned char mac[DIGEST_MAC_MAX];
    struct digest_part key;
    if (!scheme_whsec_key(secret, decoded, &key)) {
        return false;
    }
    size_t mac_len =
        digest_hmac(DIGEST_MAC_SHA256, key, statement->parts, ARRAY_LENGTH(statement->parts), mac);
    explicit_bzero(decoded, sizeof decoded);
    bool match = false;
    const char *list = statement->signatures;
    const char *text;
    size_t len;
    for (int i = 0; i < SIGNATURES_MAX && (text = next_signature(&list, "v1,", &len)); i++) {
        unsigned char given[DIGEST_BYTES];
        size_t given_len = 0;
        match |= digest_base64_decode(text, len, given, sizeof given, &given_len) &&
                 mac_len == sizeof given && digest_equal(given, given_len, mac, mac_len);
    }
    return match;
}

static bool ed25519_signed(const struct secret *secret, const struct statement *statement) {
    unsigned char key[DIGEST_BYTES];
    size_t key_len = 0;
    size_t prefix = sizeof ED25519_KEY - 1;
    if (!digest_base64_decode((const char *)secret->bytes + prefix, secret->len - prefix, key,
                              sizeof key, &key_len) ||
        key_len != sizeof key) {
        return false;
    }
    size_t message_len = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(statement->parts); i++) {
        message_len += statement->parts[i].len;
    }
    CLEANUP(buf_release) struct buf message = BUF_INIT(message_len);
    for (size_t i = 0; i < ARRAY_LENGTH(statement->parts); i++) {
        buf_append(&message, statement->parts[i].bytes, statement->parts[i].len);
    }
    bool match = false;
    const char *list = statement->signatures;
    const char *text;
    size_t len;
    for (int i = 0; i < SIGNATURES_MAX && (text = next_signature(&list, "v1a,", &len)); i++) {
        unsigned char given[ED25519_BYTES];
        size_t given_len = 0;
        match |= digest_base64_decode(text, len, given, sizeof given, &given_len) &&
                 given_len == sizeof given && !message.overflow &&
                 digest_ed25519_verify(key, message.data, message.len, given);
    }
    return match;
}

static bool has_prefix(const struct secret *secret, const char *prefix) {
    return secret->bytes && secret->len >= strlen(prefix) &&
           memcmp(secret->bytes, prefix, strlen(prefix)) == 0;
}

static bool statement_signed(const struct sender *sender, const struct secret *secret,
                             const struct statement *statement) {
    if (!secret->bytes || secret->len == 0) {
        return false;
    }
    if (sender->auth == SENDER_HMAC || has_prefix(secret, HMAC_SECRET)) {
        return hmac_signed(secret, statement);
    }
    return has_prefix(secret, ED25519_KEY) && ed25519_signed(secret, statement);
}

bool scheme_standard_webhooks(const struct sender *sender,
                              const struct authentication_request *request,
                              struct authentication_proof *out) {
    const char *id = scheme_value(request, "webhook-id");
    const char *timestamp = scheme_value(request, "webhook-timestamp");
    const struct statement statement = {.parts = {scheme_part(id), scheme_part("."),
                                                  scheme_part(timestamp), scheme_part("."),
                                                  scheme_body(request)},
                                        .signatures = scheme_value(request, "webhook-signature")};
    bool match = false;
    for (size_t i = 0; i < sender->secret_count; i++) {
        match |= statement_signed(sender, &sender->secrets[i], &statement);
    }
    if (!match || !id_usable(id) || !scheme_seconds_near(timestamp, request->now_ms)) {
        return false;
    }
    scheme_key('s', sender, scheme_part(id), out);
    return true;
}
