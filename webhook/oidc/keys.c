/* Key sets: decides which keys may verify a token. Never uses a symmetric key, never follows an
 * address in a key. */
#include "webhook/oidc/keys.h"

#include "base/digest.h"
#include "base/json.h"

#define RSA_BYTES_MIN 256
#define RSA_BYTES_MAX 1024
#define EXPONENT_BYTES_MAX 8
#define BIT(algorithm) (1U << (algorithm))
#define RSA_ALGORITHMS                                                                             \
    (BIT(OIDC_RS256) | BIT(OIDC_RS384) | BIT(OIDC_RS512) | BIT(OIDC_PS256) | BIT(OIDC_PS384) |     \
     BIT(OIDC_PS512))

void oidc_keys_free(struct oidc_keys *keys) {
    for (size_t i = 0; keys && i < keys->count; i++) {
        free(keys->items[i].kid);
        (void)cjose_jwk_release(keys->items[i].jwk);
    }
    if (keys) {
        free(keys->items);
    }
    free(keys);
}

const struct oidc_key *oidc_keys_find(const struct oidc_keys *keys, const char *kid,
                                      enum oidc_algorithm algorithm) {
    for (size_t i = 0; keys && i < keys->count; i++) {
        const struct oidc_key *key = &keys->items[i];
        if (strcmp(key->kid, kid) == 0 && (key->algorithms & BIT(algorithm))) {
            return key;
        }
    }
    return NULL;
}

/* The length of a base64url number without leading zeros; 0: not one. */
static size_t number_of(const json_t *jwk, const char *member,
                        unsigned char out[RSA_BYTES_MAX + 1]) {
    const char *text = json_text(jwk, member);
    size_t len = 0;
    if (!text || !digest_base64url_decode(text, strlen(text), out, RSA_BYTES_MAX + 1, &len)) {
        return 0;
    }
    size_t zeros = 0;
    while (zeros < len && out[zeros] == 0) {
        zeros++;
    }
    memmove(out, out + zeros, len - zeros);
    return len - zeros;
}

/* At least 2048 bits; an odd exponent of at least 65537. */
static unsigned rsa_algorithms(const json_t *jwk) {
    unsigned char bytes[RSA_BYTES_MAX + 1];
    size_t modulus = number_of(jwk, "n", bytes);
    if (modulus < RSA_BYTES_MIN || modulus > RSA_BYTES_MAX ||
        (modulus == RSA_BYTES_MIN && !(bytes[0] & 0x80))) {
        return 0;
    }
    size_t exponent = number_of(jwk, "e", bytes);
    bool strong = exponent >= 3 && exponent <= EXPONENT_BYTES_MAX && (bytes[exponent - 1] & 1);
    return strong ? RSA_ALGORITHMS : 0;
}

static unsigned ec_algorithms(const json_t *jwk) {
    static const struct {
        const char *curve;
        enum oidc_algorithm algorithm;
    } curves[] = {{"P-256", OIDC_ES256}, {"P-384", OIDC_ES384}, {"P-521", OIDC_ES512}};
    const char *curve = json_text(jwk, "crv");
    for (size_t i = 0; curve && i < ARRAY_LENGTH(curves); i++) {
        if (strcmp(curve, curves[i].curve) == 0) {
            return BIT(curves[i].algorithm);
        }
    }
    return 0;
}

static bool meant_to_verify(const json_t *jwk) {
    const json_t *use = json_object_get(jwk, "use");
    const json_t *operations = json_object_get(jwk, "key_ops");
    size_t i;
    const json_t *operation;
    if (use && (!json_is_string(use) || strcmp(json_string_value(use), "sig") != 0)) {
        return false;
    }
    json_array_foreach(operations, i, operation) {
        if (json_is_string(operation) && strcmp(json_string_value(operation), "verify") == 0) {
            return true;
        }
    }
    return operations == NULL;
}

/* The algorithms of a key: by its type, or only the one it names. */
static unsigned algorithms_of(const json_t *jwk) {
    const char *type = json_text(jwk, "kty");
    const json_t *named = json_object_get(jwk, "alg");
    unsigned able = 0;
    if (type && meant_to_verify(jwk)) {
        able = strcmp(type, "RSA") == 0  ? rsa_algorithms(jwk)
               : strcmp(type, "EC") == 0 ? ec_algorithms(jwk)
                                         : 0;
    }
    if (!named) {
        return able;
    }
    for (int i = 0; json_is_string(named) && oidc_algorithm_names[i]; i++) {
        if (strcmp(json_string_value(named), oidc_algorithm_names[i]) == 0) {
            return able & BIT(i);
        }
    }
    return 0;
}

/* Copies only the members of the key's type, so that no private or foreign member gets in. */
static cjose_jwk_t *import(const json_t *jwk) {
    static const char *const members[] = {"kty", "kid", "n", "e", "crv", "x", "y"};
    CLEANUP(json_release) json_t *plain = json_object();
    CLEANUP(buf_release) struct buf text = BUF_INIT(8192);
    for (size_t i = 0; i < ARRAY_LENGTH(members); i++) {
        json_t *value = json_object_get(jwk, members[i]);
        if (value && json_object_set(plain, members[i], value) != 0) {
            return NULL;
        }
    }
    json_write(plain, &text);
    cjose_err failed;
    return text.overflow ? NULL : cjose_jwk_import(buf_text(&text), text.len, &failed);
}

static bool add_key(struct oidc_keys *keys, const json_t *jwk) {
    const char *kid = json_text(jwk, "kid");
    unsigned algorithms = algorithms_of(jwk);
    if (!kid || !kid[0] || strlen(kid) > OIDC_KID_MAX || !algorithms) {
        return false;
    }
    struct oidc_key *key = &keys->items[keys->count];
    *key = (struct oidc_key){.kid = strdup(kid), .algorithms = algorithms, .jwk = import(jwk)};
    if (!key->kid || !key->jwk) {
        free(key->kid);
        (void)cjose_jwk_release(key->jwk);
        return false;
    }
    keys->count++;
    return true;
}

static void keys_release(struct oidc_keys **keys) {
    oidc_keys_free(*keys);
}

bool oidc_keys_parse(const void *bytes, size_t len, struct oidc_keys **out, struct err *err) {
    CLEANUP(json_release) json_t *root = NULL;
    CLEANUP(keys_release) struct oidc_keys *keys = calloc(1, sizeof *keys);
    if (len > OIDC_KEYS_BYTES_MAX) {
        return err_set(err, ERR_INVALID, "the key set is larger than %zu bytes",
                       OIDC_KEYS_BYTES_MAX);
    }
    if (!json_parse(bytes, len, &root, err)) {
        return err_wrap(err, "the key set");
    }
    const json_t *list = json_array_member(root, "keys");
    size_t count = json_array_size(list);
    if (!list || count > OIDC_KEYS_MAX) {
        return err_set(err, ERR_INVALID, "no key set: \"keys\" must be a list of at most %d",
                       OIDC_KEYS_MAX);
    }
    if (keys) {
        keys->items = calloc(count + 1, sizeof *keys->items);
    }
    if (!keys || !keys->items) {
        return err_set(err, ERR_BUG, "out of memory");
    }
    for (size_t i = 0; i < count; i++) {
        (void)add_key(keys, json_array_get(list, i));
    }
    if (keys->count == 0) {
        return err_set(err, ERR_INVALID, "the key set has no key that can verify a token");
    }
    *out = TAKE(keys);
    return true;
}
