/* Senders in the configuration: owns how one becomes a struct sender, and what its secrets must
 * look like. Never judges a request: webhook/authentication.c does. */
#include <openssl/crypto.h>

#include "agent/config_keys.h"
#include "policies/pattern.h"
#include "webhook/source.h"

#define SENDERS_MAX 1000
#define SECRETS_MAX 8
#define NAME_MAX_LENGTH 63
#define HEADER_MAX_LENGTH 100
#define RATE_MAX 1000000

/* Formats of interface.md section 4 that this version cannot read yet. */
static const char *const formats_later[] = {
    "github", "gitlab",   "gitea",    "dockerhub",   "quay",      "harbor",     "distribution",
    "zot",    "acr",      "ecr",      "sns",         "gar",       "nexus",      "artifactory",
    "drone",  "cdevents", "circleci", "cloudevents", "buildkite", "watchtower",
};

bool config_check_sender_name(const char *text, struct err *err) {
    size_t len = strlen(text);
    bool valid = len <= NAME_MAX_LENGTH && text[0] != '-' &&
                 strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
    return valid || err_set(err, ERR_INVALID,
                            "\"%.64s\" cannot stand in a URL: write up to %d of a-z, 0-9 and -, "
                            "not beginning with -",
                            text, NAME_MAX_LENGTH);
}

/* RFC 9110 section 5.6.2: a token. */
bool config_check_header(const char *text, struct err *err) {
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

/* How many bytes the base64 behind a prefix of six letters holds; 0: it is not base64. */
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
                   "behind whsec_ stands no base64 of 24 to 64 bytes: make one with `echo "
                   "whsec_$(openssl rand -base64 32)`");
}

bool config_check_hmac_secret(const struct secret *secret, struct err *err) {
    if (secret_begins(secret, "whpk_") || secret_begins(secret, "whsk_")) {
        return err_set(err, ERR_INVALID,
                       "this is an Ed25519 key and not a secret: write auth: {standard_webhooks: "
                       "{secret: …}} with the whpk_ key");
    }
    return !secret_begins(secret, "whsec_") || whsec_check(secret, err);
}

bool config_check_standard_secret(const struct secret *secret, struct err *err) {
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
                       "behind whpk_ stands no base64 of 32 bytes: write the "
                       "sender's Ed25519 public key");
    }
    if (secret_begins(secret, "whsk_")) {
        return err_set(err, ERR_INVALID,
                       "this is the sender's private key, which only the sender "
                       "may have: write its public key, whpk_…");
    }
    return err_set(err, ERR_INVALID, "it must begin with whsec_ (secret) or whpk_ (public key)");
}

/* What can stand in an Authorization header (RFC 9110 section 5.5) without being trimmed. */
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

void config_read_secrets(const struct config_value *value) {
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
        return; /* a second kind of auth, which config_read_auth refuses */
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

void config_read_prefix(const struct config_value *value) {
    char **member = CONFIG_MEMBER(value, char *);
    bool empty = value->node->kind == YAML_SCALAR && !value->node->plain && !*value->node->text;
    const char *text = empty ? "" : config_text(value);
    char *copy = text ? config_copy(value, text) : NULL;
    if (copy) {
        free(*member);
        *member = copy;
    }
}

void config_read_hmac(const struct config_value *value) {
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

void config_read_standard(const struct config_value *value) {
    struct sender *sender = value->out;
    sender->auth = SENDER_STANDARD_WEBHOOKS;
    config_read_map(value);
}

void config_read_bearer(const struct config_value *value) {
    struct sender *sender = value->out;
    sender->auth = SENDER_BEARER;
    config_read_map(value);
}

void config_read_auth(const struct config_value *value) {
    const struct yaml_node *node = value->node;
    if (node->kind == YAML_SCALAR && strcmp(node->text, "none") == 0) {
        config_fault_add(value->reader, config_at(node),
                         "`auth: none` is not supported by this version yet: write hmac, "
                         "standard_webhooks or bearer (see CHANGELOG)");
        return;
    }
    if (config_members(value) && node->count != 1) {
        config_fault_add(value->reader, config_at(node),
                         "`auth` needs exactly one kind: write hmac, standard_webhooks or bearer");
    }
}

void config_read_format(const struct config_value *value) {
    struct sender *sender = value->out;
    const char *text = config_text(value);
    if (!text) {
        return;
    }
    const struct source *source = source_find(text);
    if (source) {
        sender->source = source;
        return;
    }
    CLEANUP(buf_release) struct buf known = BUF_INIT(150);
    for (const struct source *row = source_table; row->name; row++) {
        buf_printf(&known, "%s%s", known.len ? ", " : "", row->name);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(formats_later); i++) {
        if (strcmp(formats_later[i], text) == 0) {
            config_fault_add(value->reader, config_at(value->node),
                             "`format`: %s is not supported by this version yet: write %s (see "
                             "CHANGELOG)",
                             text, buf_text(&known));
            return;
        }
    }
    config_fault_add(value->reader, config_at(value->node),
                     "`format`: unknown format \"%.64s\": write %s", text, buf_text(&known));
}

/* A pattern that no full name can match is no danger, only surely not what was meant. */
static void warn_of_short_pattern(const struct config_value *value, const char *pattern) {
    size_t first = strcspn(pattern, "/");
    bool host = strcspn(pattern, ".:*") < first || strncmp(pattern, "localhost/", 10) == 0;
    if (!strstr(pattern, "**") && (!pattern[first] || !host)) {
        config_fault_add(value->reader, config_warning_at(value->node),
                         "pattern \"%.100s\" matches no image: names are matched in full, so write "
                         "docker.io/%s%.100s",
                         pattern, pattern[first] ? "" : "library/", pattern);
    }
}

static char *read_pattern(const struct config_value *value) {
    const char *text = config_text(value);
    struct err err = ERR_INIT;
    if (!text) {
        return NULL;
    }
    if (!pattern_check(text, &err)) {
        config_fault_add(value->reader, config_at(value->node), "`%s`: %s", value->row->key,
                         err.message);
        return NULL;
    }
    warn_of_short_pattern(value, text);
    return config_copy(value, text);
}

void config_read_pattern(const struct config_value *value) {
    char *pattern = read_pattern(value);
    if (pattern) {
        char **member = CONFIG_MEMBER(value, char *);
        free(*member);
        *member = pattern;
    }
}

void config_read_images(const struct config_value *value) {
    struct sender *sender = value->out;
    const struct yaml_node *node = value->node;
    if (node->kind != YAML_LIST || node->count == 0) {
        config_fault_add(value->reader, config_at(node),
                         "`images` must be a list of at least one pattern: write "
                         "[\"ghcr.io/brian/*\"]");
        return;
    }
    sender->images = calloc(node->count + 1, sizeof(char *));
    if (!sender->images) {
        config_fault_add(value->reader, config_at(node), "out of memory");
        return;
    }
    static const struct config_row pattern = {.key = "images", .type = "a pattern"};
    size_t count = 0;
    for (size_t i = 0; i < node->count; i++) {
        const struct config_value item = {value->reader, &pattern, node->items[i], NULL};
        char *copy = read_pattern(&item);
        if (copy) {
            sender->images[count++] = copy;
        }
    }
}

/* "60/m" */
void config_read_rate(const struct config_value *value) {
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = {{"/s", 1000}, {"/m", 60000}, {"/h", 3600000}, {"/d", 86400000}};
    struct sender *sender = value->out;
    const char *text = config_text(value);
    if (!text) {
        return;
    }
    size_t digits = strspn(text, "0123456789");
    long count = digits > 0 && digits <= 7 ? strtol(text, NULL, 10) : 0;
    for (size_t i = 0; count > 0 && count <= RATE_MAX && i < ARRAY_LENGTH(units); i++) {
        if (strcmp(text + digits, units[i].unit) == 0) {
            sender->rate_count = count;
            sender->rate_period_ms = units[i].ms;
            return;
        }
    }
    config_fault_add(
        value->reader, config_at(value->node),
        "`rate`: \"%.64s\" is not a rate: write a number from 1 to %d and /s, /m, /h or "
        "/d, like 60/m",
        text, RATE_MAX);
}

/* The sender is borrowed by the set as soon as it is being read, so that a fault leaks nothing. */
static void read_sender(const struct config_value *value, struct sender_set *set) {
    struct sender *sender = &set->items[set->count++];
    sender->source = source_find("native");
    if (!config_members(value) || !sender->name) {
        return;
    }
    for (size_t i = 0; i + 1 < set->count; i++) {
        if (set->items[i].name && strcmp(set->items[i].name, sender->name) == 0) {
            config_fault_add(value->reader, config_at(yaml_get(value->node, "name")),
                             "two senders are named `%s`: give each its own name", sender->name);
            return;
        }
    }
}

void config_read_senders(const struct config_value *value) {
    struct sender_set *set = CONFIG_MEMBER(value, struct sender_set);
    const struct yaml_node *node = value->node;
    if (node->kind != YAML_LIST || node->count > SENDERS_MAX) {
        config_fault_add(
            value->reader, config_at(node),
            "`senders` must be a list of at most %d senders: write - name: NAME for each",
            SENDERS_MAX);
        return;
    }
    if (node->count == 0) {
        return;
    }
    struct sender *items = calloc(node->count, sizeof *items);
    if (!items) {
        config_fault_add(value->reader, config_at(node), "out of memory");
        return;
    }
    set->items = items;
    const struct config_row row = {
        .key = "senders", .type = "name, auth, images …", .rows = value->row->rows};
    for (size_t i = 0; i < node->count; i++) {
        const struct config_value item = {value->reader, &row, node->items[i],
                                          &set->items[set->count]};
        read_sender(&item, set);
    }
}
