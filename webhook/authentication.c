/* Who sends this? Owns the schemes (Standard Webhooks, plain HMAC, bearer) and the keys that tell
 * one delivery from another. Never reads the body's meaning, never says why it says no.
 *
 * The work that is done depends on what the request carries, not on whether the sender exists: a
 * missing header is computed with as an empty one, and where there is no sender `nobody` stands in.
 */
#include "webhook/authentication.h"

#include <strings.h>

#include "base/buf.h"

#define HMAC_SECRET "whsec_"
#define ED25519_KEY "whpk_"
#define KEY_MAX 128       /* bytes of a decoded whsec_ */
#define SIGNATURES_MAX 16 /* in one header; more is not a rotation any more */
#define ED25519_BYTES 64
#define TIMESTAMP_DIGITS 12

static unsigned char nobodys_bytes[] = "nobody has this secret; it never matches";
static struct secret nobodys_secret = {nobodys_bytes, sizeof nobodys_bytes - 1};
static const struct sender nobody = {
    .auth = SENDER_HMAC, .secrets = &nobodys_secret, .secret_count = 1};

/* What Standard Webhooks signs: id.timestamp.body. */
struct statement {
    struct digest_part parts[5];
    const char *signatures;
};

static const char *header(const struct authentication_request *request, const char *name) {
    const char *value = request->header(request->context, name);
    return value ? value : "";
}

static struct digest_part part(const char *text) {
    return (struct digest_part){text, strlen(text)};
}

static struct digest_part body_part(const struct authentication_request *request) {
    return (struct digest_part){request->body ? request->body : "", request->body_len};
}

static bool id_usable(const char *id) {
    size_t len = strlen(id);
    for (size_t i = 0; i < len; i++) {
        if (id[i] <= ' ' || id[i] > '~' || id[i] == '.') {
            return false;
        }
    }
    return len > 0 && len <= AUTHENTICATION_ID_MAX;
}

/* Whole seconds in their one decimal form, at most the tolerance away. */
static bool timestamp_usable(const char *text, int64_t now_ms) {
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

/* The next of the space-separated signatures that has this version; NULL at the end. */
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

/* A secret without the prefix is the key itself. False: it has the prefix and is not base64. */
static bool hmac_key(const struct secret *secret, unsigned char decoded[KEY_MAX],
                     struct digest_part *out) {
    const char *text = (const char *)secret->bytes;
    size_t prefix = sizeof HMAC_SECRET - 1;
    if (secret->len < prefix || memcmp(text, HMAC_SECRET, prefix) != 0) {
        *out = (struct digest_part){secret->bytes, secret->len};
        return true;
    }
    size_t len = 0;
    if (!digest_base64_decode(text + prefix, secret->len - prefix, decoded, KEY_MAX, &len) ||
        len == 0) {
        return false;
    }
    *out = (struct digest_part){decoded, len};
    return true;
}

static bool hmac_signed(const struct secret *secret, const struct statement *statement) {
    unsigned char decoded[KEY_MAX];
    unsigned char mac[DIGEST_MAC_MAX];
    struct digest_part key;
    if (!hmac_key(secret, decoded, &key)) {
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

/* One hash over what makes a delivery this one. The scheme stands in front, so that keys of
 * different schemes never meet; hashes of a fixed length keep the parts apart. */
static void delivery_key(char scheme, const struct sender *sender, struct digest_part what,
                         unsigned char out[DIGEST_BYTES]) {
    unsigned char text[1 + 2 * DIGEST_BYTES] = {(unsigned char)scheme};
    digest_sha256(sender->name, strlen(sender->name), text + 1);
    digest_sha256(what.bytes, what.len, text + 1 + DIGEST_BYTES);
    digest_sha256(text, sizeof text, out);
}

static bool check_standard(const struct sender *sender,
                           const struct authentication_request *request,
                           struct authentication_proof *out) {
    const char *id = header(request, "webhook-id");
    const char *timestamp = header(request, "webhook-timestamp");
    const struct statement statement = {
        .parts = {part(id), part("."), part(timestamp), part("."), body_part(request)},
        .signatures = header(request, "webhook-signature")};
    bool match = false;
    for (size_t i = 0; i < sender->secret_count; i++) {
        match |= statement_signed(sender, &sender->secrets[i], &statement);
    }
    if (!match || !id_usable(id) || !timestamp_usable(timestamp, request->now_ms) ||
        sender == &nobody) {
        return false;
    }
    out->keyed = true;
    delivery_key('s', sender, part(id), out->key);
    return true;
}

static bool body_signed(const struct sender *sender, const struct secret *secret,
                        const struct authentication_request *request) {
    if (!secret->bytes || secret->len == 0) {
        return false;
    }
    const char *text = header(request, sender->hmac_header);
    const char *prefix = sender->hmac_prefix ? sender->hmac_prefix : "";
    struct digest_part body = body_part(request);
    unsigned char mac[DIGEST_MAC_MAX];
    size_t mac_len = digest_hmac(sender->hmac_algorithm,
                                 (struct digest_part){secret->bytes, secret->len}, &body, 1, mac);
    if (mac_len == 0 || strncmp(text, prefix, strlen(prefix)) != 0) {
        return false;
    }
    text += strlen(prefix);
    unsigned char given[DIGEST_MAC_MAX];
    return strlen(text) == 2 * mac_len && digest_hex_decode(text, 2 * mac_len, given, mac_len) &&
           digest_equal(given, mac_len, mac, mac_len);
}

static bool check_body(const struct sender *sender, const struct authentication_request *request,
                       struct authentication_proof *out) {
    bool match = false;
    for (size_t i = 0; i < sender->secret_count; i++) {
        match |= body_signed(sender, &sender->secrets[i], request);
    }
    if (!match) {
        return false;
    }
    out->keyed = true;
    delivery_key('b', sender, body_part(request), out->key);
    return true;
}

static bool check_bearer(const struct sender *sender, const struct authentication_request *request,
                         struct authentication_proof *out) {
    const char *token = header(request, "Authorization");
    size_t scheme = strcspn(token, " ");
    bool bearer = scheme == strlen("Bearer") && strncasecmp(token, "Bearer", scheme) == 0;
    token += bearer ? scheme + strspn(token + scheme, " ") : strlen(token);
    bool match = false;
    for (size_t i = 0; i < sender->secret_count; i++) {
        match |= secret_equal(&sender->secrets[i], token, strlen(token));
    }
    if (!match || !token[0]) {
        return false;
    }
    const char *id = header(request, "webhook-id"); /* the caller's own idempotency key */
    out->keyed = id[0] != '\0';
    if (out->keyed) {
        delivery_key('i', sender, part(id), out->key);
    }
    return true;
}

bool authentication_check(const struct sender *sender, const struct authentication_request *request,
                          struct authentication_proof *out) {
    struct authentication_proof proof = {0};
    const struct sender *who = sender ? sender : &nobody;
    bool proven;
    if (who->auth == SENDER_BEARER) {
        proven = check_bearer(who, request, &proof);
    } else if (who->auth == SENDER_HMAC && who->hmac_header) {
        proven = check_body(who, request, &proof);
    } else {
        proven = check_standard(who, request, &proof);
    }
    if (proven) {
        *out = proof;
    }
    return proven;
}

bool authentication_before_body(const struct sender *sender) {
    return sender->auth == SENDER_BEARER;
}

bool authentication_secret_check(enum sender_auth auth, const struct secret *secret,
                                 struct err *err) {
    unsigned char decoded[KEY_MAX];
    struct digest_part key = {NULL, 0};
    bool ed25519 = auth == SENDER_STANDARD_WEBHOOKS && has_prefix(secret, ED25519_KEY);
    bool hmac = has_prefix(secret, HMAC_SECRET);
    if (!secret->bytes || secret->len == 0) {
        return err_set(err, ERR_INVALID, "the secret is empty");
    }
    if (auth == SENDER_BEARER) {
        return true;
    }
    if (ed25519) {
        size_t prefix = sizeof ED25519_KEY - 1;
        size_t len = 0;
        bool valid = digest_base64_decode((const char *)secret->bytes + prefix,
                                          secret->len - prefix, decoded, DIGEST_BYTES, &len) &&
                     len == DIGEST_BYTES;
        return valid || err_set(err, ERR_INVALID, "after whpk_ must come 32 bytes in base64");
    }
    if (auth == SENDER_STANDARD_WEBHOOKS && !hmac) {
        return err_set(err, ERR_INVALID,
                       "the secret must begin with whsec_ (HMAC) or whpk_ (Ed25519 public key)");
    }
    bool valid = hmac_key(secret, decoded, &key);
    explicit_bzero(decoded, sizeof decoded);
    return valid ||
           err_set(err, ERR_INVALID, "after whsec_ must come base64 of at most %d bytes", KEY_MAX);
}
