/* Authentication of senders, in the configuration: owns `auth` and the form of its secrets. Never
 * judges a request: webhook/authentication.c does. */
#include <openssl/crypto.h>

#include "agent/config/keys.h"
#include "base/certificate.h"
#include "webhook/source.h"

#define SECRETS_MAX 8
#define HEADER_MAX_LENGTH 100
static const char *const algorithms[] = {"sha256", "sha512", NULL};
#define KINDS "hmac, standard_webhooks, bearer, basic, header, oidc, url_token, sns or none"

/* A token (RFC 9110 section 5.6.2). */
static bool check_header(const char *text, struct err *err) {
    size_t len = strlen(text);
    bool valid = len <= HEADER_MAX_LENGTH &&
                 strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                              "!#$%&'*+-.^_`|~") == len;
    return valid || err_set(err, ERR_INVALID,
                            "\"%.64s\" is not the name of an HTTP header: write one like "
                            "X-Signature-256",
                            text);
}

static bool secret_begins(const struct secret *secret, const char *prefix) {
    size_t len = strlen(prefix);
    return secret->len >= len && memcmp(secret->bytes, prefix, len) == 0;
}

/* The decoded length of the base64 behind a prefix of six letters; 0: not base64. */
static size_t secret_key_length(const struct secret *secret) {
    unsigned char key[128];
    size_t len = 0;
    bool valid = digest_base64_decode((const char *)secret->bytes + 6, secret->len - 6, key,
                                      sizeof key, &len);
    OPENSSL_cleanse(key, sizeof key);
    return valid ? len : 0;
}

static bool whsec_check(const struct secret *secret, struct err *err) {
    size_t len = secret_key_length(secret);
    return (len >= 24 && len <= 64) ||
           err_set(err, ERR_INVALID,
                   "the text behind whsec_ is not base64 of 24 to 64 bytes: make one with `echo "
                   "whsec_$(openssl rand -base64 32)`");
}

static bool check_hmac_secret(const struct secret *secret, struct err *err) {
    if (secret_begins(secret, "whpk_") || secret_begins(secret, "whsk_")) {
        return err_set(err, ERR_INVALID,
                       "this is an Ed25519 key and not a secret: write auth: {standard_webhooks: "
                       "{secret: …}} with the whpk_ key");
    }
    return !secret_begins(secret, "whsec_") || whsec_check(secret, err);
}

static bool check_standard_secret(const struct secret *secret, struct err *err) {
    if (secret_begins(secret, "whsec_")) {
        return whsec_check(secret, err);
    }
    if (secret_begins(secret, "whpk_")) {
        unsigned char key[64];
        size_t len = 0;
        bool valid = digest_base64_decode((const char *)secret->bytes + 5, secret->len - 5, key,
                                          sizeof key, &len);
        return (valid && len == 32) ||
               err_set(err, ERR_INVALID,
                       "the text behind whpk_ is not base64 of 32 bytes: write the "
                       "sender's Ed25519 public key");
    }
    if (secret_begins(secret, "whsk_")) {
        return err_set(err, ERR_INVALID,
                       "this is the sender's private key, which only the sender "
                       "may have: write its public key, whpk_…");
    }
    return err_set(err, ERR_INVALID, "it must begin with whsec_ (secret) or whpk_ (public key)");
}

/* Allows the bytes that an Authorization header carries unchanged (RFC 9110 section 5.5). */
bool config_check_bearer_secret(const struct secret *secret, struct err *err) {
    for (size_t i = 0; i < secret->len; i++) {
        if (secret->bytes[i] <= 0x20 || secret->bytes[i] >= 0x7f) {
            return err_set(err, ERR_INVALID,
                           "it has white space or other characters that a header cannot carry: "
                           "write one line of visible ASCII");
        }
    }
    return true;
}

static void read_secrets(const struct config_value *value) {
    struct sender *sender = value->out;
    struct yaml_node *const one[] = {(struct yaml_node *)value->node};
    bool list = value->node->kind == YAML_LIST;
    struct yaml_node *const *items = list ? value->node->items : one;
    size_t count = list ? value->node->count : 1;
    if (count == 0 || count > SECRETS_MAX) {
        config_fault_add(value->reader, config_at(value->node), "`%s`: write 1 to %d secrets",
                         value->row->key, SECRETS_MAX);
        return;
    }
    if (sender->secrets) {
        return; /* a second kind of auth: config_read_auth refuses it */
    }
    sender->secrets = calloc(count, sizeof *sender->secrets);
    if (!sender->secrets) {
        config_fault_add(value->reader, config_at(value->node), "out of memory");
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const struct config_value item = {value->reader, value->row, items[i], sender};
        if (config_secret(&item, &sender->secrets[sender->secret_count])) {
            sender->secret_count++;
        }
    }
}

static void read_prefix(const struct config_value *value) {
    char **member = CONFIG_MEMBER(value, char *);
    bool empty = value->node->kind == YAML_SCALAR && !value->node->plain && !*value->node->text;
    const char *text = empty ? "" : config_text(value);
    char *copy = text ? config_copy(value, text) : NULL;
    if (copy) {
        free(*member);
        *member = copy;
    }
}

static void read_hmac(const struct config_value *value) {
    struct sender *sender = value->out;
    sender->auth = SENDER_HMAC;
    if (!config_members(value)) {
        return;
    }
    static const char *const plain_only[] = {"algorithm", "prefix"};
    for (size_t i = 0; i < ARRAY_LENGTH(plain_only); i++) {
        const struct yaml_node *node = yaml_get(value->node, plain_only[i]);
        if (node && !yaml_get(value->node, "header")) {
            config_fault_add(value->reader, config_at(node),
                             "`%s` needs `header`: write the header with the plain HMAC, like "
                             "X-Signature-256",
                             plain_only[i]);
        }
    }
    if (sender->hmac_header && !sender->hmac_prefix) {
        sender->hmac_prefix = config_copy(value, "");
    }
}

static void read_standard(const struct config_value *value) {
    struct sender *sender = value->out;
    sender->auth = SENDER_STANDARD_WEBHOOKS;
    config_read_map(value);
}

static void read_bearer(const struct config_value *value) {
    struct sender *sender = value->out;
    sender->auth = SENDER_BEARER;
    config_read_map(value);
}

static void read_basic(const struct config_value *value) {
    struct sender *sender = value->out;
    sender->auth = SENDER_BASIC;
    config_read_map(value);
}

static void read_header_auth(const struct config_value *value) {
    struct sender *sender = value->out;
    sender->auth = SENDER_HEADER;
    config_read_map(value);
}

static void read_url_token(const struct config_value *value) {
    struct sender *sender = value->out;
    sender->auth = SENDER_URL_TOKEN;
    config_read_map(value);
}

static void read_sns(const struct config_value *value) {
    struct sender *sender = value->out;
    sender->auth = SENDER_SNS;
    config_read_map(value);
}

/* Keeps the certificate instead of its path, so that no request reads a file. */
static void read_certificate(const struct config_value *value) {
    char **member = CONFIG_MEMBER(value, char *);
    const char *path = config_text(value);
    CLEANUP(secret_release) struct secret pem = SECRET_INIT;
    struct err err = ERR_INIT;
    if (!path) {
        return;
    }
    if (!secret_read_file(&pem, path, &err) || !certificate_check((char *)pem.bytes, &err)) {
        config_fault_add(value->reader, config_at(value->node), "`%s`: %s", value->row->key,
                         err.message);
        return;
    }
    free(*member);
    *member = config_copy(value, (char *)pem.bytes);
}

static bool check_topic(const char *text, struct err *err) {
    size_t colons = 0;
    for (const char *c = text; *c; c++) {
        colons += *c == ':' ? 1 : 0;
    }
    return (strncmp(text, "arn:aws", 7) == 0 && strstr(text, ":sns:") && colons == 5) ||
           err_set(err, ERR_INVALID,
                   "\"%.100s\" is not the ARN of an SNS topic: write one like "
                   "arn:aws:sns:eu-central-1:123456789012:ecr-push",
                   text);
}

/* A colon would end the user name (RFC 7617). */
static bool check_username(const char *text, struct err *err) {
    return !strchr(text, ':') || err_set(err, ERR_INVALID, "a user name cannot contain a colon");
}

/* Allows the bytes that a path carries unencoded (RFC 3986 section 2.3). */
static bool check_path_secret(const struct secret *secret, struct err *err) {
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
    const char *text = (const char *)secret->bytes;
    return strspn(text, allowed) == secret->len ||
           err_set(err, ERR_INVALID,
                   "write only a-z, A-Z, 0-9, -, ., _ and ~, as it is part of a URL: make one with "
                   "`openssl rand -hex 32`");
}

/* Allows the bytes that a header carries unchanged. */
static bool check_header_secret(const struct secret *secret, struct err *err) {
    bool trimmed =
        secret->len == 0 || secret->bytes[0] == ' ' || secret->bytes[secret->len - 1] == ' ';
    for (size_t i = 0; i < secret->len; i++) {
        trimmed = trimmed || secret->bytes[i] < 0x20 || secret->bytes[i] >= 0x7f;
    }
    return !trimmed || err_set(err, ERR_INVALID,
                               "it has characters that a header cannot carry, or a blank at an "
                               "end: write one line of visible ASCII");
}

void config_read_auth(const struct config_value *value) {
    struct sender *sender = value->out;
    const struct yaml_node *node = value->node;
    if (node->kind == YAML_SCALAR && strcmp(node->text, "none") == 0) {
        sender->auth = SENDER_NONE;
        return;
    }
    if (config_members(value) && node->count != 1) {
        config_fault_add(value->reader, config_at(node),
                         "`auth` needs exactly one kind: write " KINDS);
    }
}

void config_check_unauthenticated(struct config_reader *reader, const struct yaml_node *root,
                                  const struct config *config) {
    const struct yaml_node *senders = yaml_get(root, "senders");
    bool local = config_address_is_local(config->listen);
    for (size_t i = 0; i < config->senders.count && !local; i++) {
        if (config->senders.items[i].auth == SENDER_NONE) {
            config_fault_add(reader, config_at(yaml_get(senders->items[i], "auth")),
                             "`auth: none` lets everybody who reaches %.60s push: write `listen` "
                             "with 127.0.0.1, [::1] or unix:PATH, or another kind of `auth`",
                             config->listen);
        }
    }
}

void config_default_signing(struct config_reader *reader, const struct yaml_node *node,
                            struct sender *sender) {
    const struct source *source = sender->source;
    if (sender->auth != SENDER_HMAC || sender->hmac_header || !source) {
        return;
    }
    if (source->signing == SOURCE_SIGNS_NOT) {
        config_fault_add(reader, config_at(yaml_get(node, "auth")),
                         "`auth`: %s does not sign what it sends: write bearer, header, basic or "
                         "url_token, as docs/senders/README.md says for it",
                         source->name);
    } else if (source->signing == SOURCE_SIGNS_BODY) {
        sender->hmac_header = strdup(source->hmac_header);
        sender->hmac_prefix = strdup(source->hmac_prefix ? source->hmac_prefix : "");
        sender->hmac_algorithm = source->hmac_algorithm;
    }
}

/* ---- the keys ---- */

static const struct config_row hmac_rows[] = {
    {.key = "secret",
     .type = CONFIG_SECRETS_TYPE,
     .required = CONFIG_SECRET_MISSING,
     .meaning = "the key of the HMAC; any one of a list is accepted, so that one can be rotated",
     .read = read_secrets,
     .check_secret = check_hmac_secret},
    {.key = "header",
     .type = "the name of an HTTP header",
     .meaning = "the header of a plain HMAC over the body, in hexadecimal; without `header`, the "
                "format's own scheme (native: Standard Webhooks)",
     .read = config_read_text,
     .check = check_header,
     CONFIG_OF(sender, hmac_header)},
    {.key = "algorithm",
     .type = "sha256 or sha512",
     .preset = "sha256",
     .meaning = "the algorithm of the plain HMAC; needs `header`",
     .read = config_read_choice,
     .choices = algorithms,
     CONFIG_OF(sender, hmac_algorithm)},
    {.key = "prefix",
     .type = "a text",
     .preset = "none",
     .meaning = "the text before the hexadecimal digits, like `sha256=`; needs `header`",
     .read = read_prefix,
     CONFIG_OF(sender, hmac_prefix)},
    CONFIG_END,
};

static const struct config_row standard_rows[] = {
    {.key = "secret",
     .type = CONFIG_SECRETS_TYPE,
     .required = CONFIG_SECRET_MISSING,
     .meaning = "`whsec_…` (HMAC) or `whpk_…` (Ed25519 public key)",
     .read = read_secrets,
     .check_secret = check_standard_secret},
    CONFIG_END,
};

static const struct config_row bearer_rows[] = {
    {.key = "secret",
     .type = CONFIG_SECRETS_TYPE,
     .required = CONFIG_SECRET_MISSING,
     .meaning = "the token in `Authorization: Bearer TOKEN`",
     .read = read_secrets,
     .check_secret = config_check_bearer_secret},
    CONFIG_END,
};

static const struct config_row basic_rows[] = {
    {.key = "username",
     .type = "a text",
     .required = "the user name, like username: ci",
     .meaning = "the user name",
     .read = config_read_text,
     .check = check_username,
     CONFIG_OF(sender, username)},
    {.key = "secret",
     .type = CONFIG_SECRETS_TYPE,
     .required = CONFIG_SECRET_MISSING,
     .meaning = "the password",
     .read = read_secrets},
    CONFIG_END,
};

static const struct config_row header_rows[] = {
    {.key = "name",
     .type = "the name of an HTTP header",
     .required = "the header's name, like name: X-Token",
     .meaning = "the header",
     .read = config_read_text,
     .check = check_header,
     CONFIG_OF(sender, header_name)},
    {.key = "secret",
     .type = CONFIG_SECRETS_TYPE,
     .required = CONFIG_SECRET_MISSING,
     .meaning = "its whole value, `Bearer ` and the like included",
     .read = read_secrets,
     .check_secret = check_header_secret},
    CONFIG_END,
};

static const struct config_row url_token_rows[] = {
    {.key = "secret",
     .type = CONFIG_SECRETS_TYPE,
     .required = CONFIG_SECRET_MISSING,
     .meaning = "the last segment of the path; of characters that need no encoding, and too long "
                "to be guessed",
     .read = read_secrets,
     .check_secret = check_path_secret},
    CONFIG_END,
};

static const struct config_row sns_rows[] = {
    {.key = "topic",
     .type = "an ARN",
     .required = "the topic, like topic: arn:aws:sns:eu-central-1:123456789012:ecr-push",
     .meaning = "the topic whose messages count: anybody can have a topic",
     .read = config_read_text,
     .check = check_topic,
     CONFIG_OF(sender, topic)},
    {.key = "certificate",
     .type = "the path of a PEM file",
     .preset = "fetched",
     .meaning =
         "the certificate that SNS signs with; by default fetched from SNS in the topic's region",
     .read = read_certificate,
     CONFIG_OF(sender, certificate)},
    CONFIG_END,
};

const struct config_row config_auth_rows[] = {
    {.key = "hmac",
     .type = "a map like {secret: {file: PATH}}",
     .meaning = "the body is signed with a shared secret",
     .read = read_hmac,
     .rows = hmac_rows},
    {.key = "standard_webhooks",
     .type = "a map like {secret: {file: PATH}}",
     .meaning = "signed with Standard Webhooks",
     .read = read_standard,
     .rows = standard_rows},
    {.key = "bearer",
     .type = "a map like {secret: {file: PATH}}",
     .meaning = "a token in the Authorization header",
     .read = read_bearer,
     .rows = bearer_rows},
    {.key = "basic",
     .type = "a map like {username: NAME, secret: {file: PATH}}",
     .meaning = "user name and password",
     .read = read_basic,
     .rows = basic_rows},
    {.key = "header",
     .type = "a map like {name: X-Token, secret: {file: PATH}}",
     .meaning = "a secret in a header",
     .read = read_header_auth,
     .rows = header_rows},
    {.key = "oidc",
     .type = "a map like {issuer: URL, audience: NAME, claims: {…}}",
     .meaning = "a token of an identity provider, without a shared secret",
     .read = config_read_oidc,
     .rows = config_oidc_rows},
    {.key = "url_token",
     .type = "a map like {secret: {file: PATH}}",
     .meaning = "a secret in the URL, `/hooks/NAME/SECRET`; for senders that can do nothing else",
     .read = read_url_token,
     .rows = url_token_rows},
    {.key = "sns",
     .type = "a map like {topic: ARN, certificate: PATH}",
     .meaning = "signed by Amazon SNS",
     .read = read_sns,
     .rows = sns_rows},
    CONFIG_END,
};
