/* Tokens of identity providers, in the configuration: owns the reading of a policy.
 * webhook/oidc/policy.c judges its claims. */
#include "agent/config/keys.h"
#include "base/secret.h"
#include "webhook/oidc/keys.h"
#include "webhook/oidc/policy.h"

#define CLAIMS_MAX 32
#define VALUES_MAX 32

/* ---- claims ---- */

static bool read_value(const struct config_value *item, struct oidc_claim *claim, size_t at) {
    const char *text = config_text(item);
    if (text && strspn(text, "*") == strlen(text)) {
        config_fault_add(item->reader, config_at(item->node),
                         "`claims`: \"%.20s\" pins nothing: write the required value of the claim",
                         text);
        return false;
    }
    claim->values[at] = text ? config_copy(item, text) : NULL;
    return claim->values[at] != NULL;
}

static void read_claim(const struct config_value *value, struct oidc_claim *claim) {
    struct yaml_node *const one[] = {(struct yaml_node *)value->node};
    bool list = value->node->kind == YAML_LIST;
    struct yaml_node *const *items = list ? value->node->items : one;
    size_t count = list ? value->node->count : 1;
    if (count == 0 || count > VALUES_MAX) {
        config_fault_add(value->reader, config_at(value->node),
                         "`claims`: write 1 to %d values for %.60s", VALUES_MAX, claim->name);
        return;
    }
    claim->values = calloc(count + 1, sizeof(char *));
    size_t filled = 0;
    for (size_t i = 0; claim->values && i < count; i++) {
        const struct config_value item = {value->reader, value->row, items[i], NULL};
        filled += read_value(&item, claim, filled) ? 1 : 0;
    }
}

static void read_claims(const struct config_value *value) {
    struct oidc_policy *policy = value->out;
    const struct yaml_node *node = value->node;
    if (node->kind != YAML_MAP || node->count > CLAIMS_MAX) {
        config_fault_add(value->reader, config_at(node),
                         "`claims` must be a map of at most %d claims: write {repository: "
                         "brian/site}",
                         CLAIMS_MAX);
        return;
    }
    policy->claims = calloc(node->count + 1, sizeof *policy->claims);
    for (size_t i = 0; policy->claims && i < node->count; i++) {
        static const struct config_row row = {.key = "claims", .type = "a text or a list of texts"};
        struct oidc_claim *claim = &policy->claims[policy->claim_count++];
        const struct config_value item = {value->reader, &row, node->items[i], NULL};
        claim->name = config_copy(value, node->keys[i].text);
        read_claim(&item, claim);
    }
}

/* ---- algorithms ---- */

static void read_algorithms(const struct config_value *value) {
    struct oidc_policy *policy = value->out;
    const struct yaml_node *node = value->node;
    static const struct config_row row = {
        .key = "algorithms", .type = "an algorithm like RS256", .choices = oidc_algorithm_names};
    unsigned algorithms = 0;
    if (node->kind != YAML_LIST || node->count == 0) {
        config_fault_add(value->reader, config_at(node),
                         "`algorithms` must be a list of at least one: write [RS256]");
        return;
    }
    for (size_t i = 0; i < node->count; i++) {
        const struct config_value item = {value->reader, &row, node->items[i], NULL};
        int choice = config_choice(&item);
        algorithms |= choice >= 0 ? 1U << choice : 0;
    }
    policy->algorithms = algorithms ? algorithms : policy->algorithms;
}

/* ---- key sets ---- */

static bool check_jwks_file(const char *text, struct err *err) {
    CLEANUP(secret_release) struct secret set = SECRET_INIT;
    struct oidc_keys *keys = NULL;
    if (!config_check_path(text, err) || !secret_read_file(&set, text, err) ||
        !oidc_keys_parse(set.bytes, set.len, &keys, err)) {
        return false;
    }
    oidc_keys_free(keys);
    return true;
}

static void read_jwks(const struct config_value *value) {
    config_read_map(value);
    if (value->node->kind == YAML_MAP && value->node->count != 1) {
        config_fault_add(value->reader, config_at(value->node),
                         "`jwks` needs exactly one of url and file; without `jwks` the agent asks "
                         "the issuer for its keys");
    }
}

/* ---- policies ---- */

void config_read_oidc(const struct config_value *value) {
    struct sender *sender = value->out;
    if (sender->oidc) {
        return; /* a second kind of auth: config_read_auth refuses it */
    }
    struct oidc_policy *policy = calloc(1, sizeof *policy);
    struct err err = ERR_INIT;
    if (!policy) {
        config_fault_add(value->reader, config_at(value->node), "out of memory");
        return;
    }
    policy->algorithms = 1U << OIDC_RS256;
    policy->leeway_ms = OIDC_LEEWAY_MS;
    sender->auth = SENDER_OIDC;
    sender->oidc = policy;
    const struct config_value inner = {value->reader, value->row, value->node, policy};
    if (!config_members(&inner) || !policy->issuer || !policy->audience) {
        return;
    }
    if (!oidc_policy_check(policy, &err)) {
        const struct yaml_node *claims = yaml_get(value->node, "claims");
        config_fault_add(value->reader, config_at(claims ? claims : value->node), "`claims`: %s",
                         err.message);
    }
}

/* ---- the keys ---- */

static const struct config_row jwks_rows[] = {
    {.key = "url",
     .type = "an https address",
     .meaning = "the address of the key set",
     .read = config_read_text,
     .check = oidc_url_check,
     CONFIG_OF(oidc_policy, jwks_url)},
    {.key = "file",
     .type = "the path of a JWK set",
     .meaning = "the key set; read again when it changes",
     .read = config_read_text,
     .check = check_jwks_file,
     CONFIG_OF(oidc_policy, jwks_file)},
    CONFIG_END,
};

const struct config_row config_oidc_rows[] = {
    {.key = "issuer",
     .type = "an https address",
     .required =
         "the issuer of the tokens, like issuer: https://token.actions.githubusercontent.com",
     .meaning = "the `iss` of the tokens, to the letter",
     .read = config_read_text,
     .check = oidc_url_check,
     CONFIG_OF(oidc_policy, issuer)},
    {.key = "audience",
     .type = "a text",
     .required = "the audience of the tokens, like audience: deploy.example.net",
     .meaning = "the one `aud` of the tokens; let no other agent have the same",
     .read = config_read_text,
     CONFIG_OF(oidc_policy, audience)},
    {.key = "claims",
     .type = "a map of texts or lists of texts",
     .meaning = "required claims of a token: each equals one of its values, `*` within a segment "
                "and `**` across; they must identify the owner",
     .read = read_claims},
    {.key = "jwks",
     .type = "{url: URL} or {file: PATH}",
     .preset = "by discovery",
     .meaning = "the source of the issuer's keys",
     .read = read_jwks,
     .rows = jwks_rows},
    {.key = "algorithms",
     .type = "a list of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512",
     .preset = "[RS256]",
     .meaning = "allowed algorithms of signatures",
     .read = read_algorithms},
    {.key = "leeway",
     .type = "a duration",
     .preset = "60s",
     .meaning = "allowed difference of the clocks",
     .read = config_read_duration,
     .max = (int64_t)10 * 60 * 1000,
     CONFIG_OF(oidc_policy, leeway_ms)},
    CONFIG_END,
};
