/* Policies of tokens: owns the list of claims that identify an owner. */
#include "webhook/oidc/policy.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"

#define URL_MAX 255

const char *const oidc_algorithm_names[OIDC_ALGORITHMS + 1] = {
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", NULL};

void oidc_policy_free(struct oidc_policy *policy) {
    if (!policy) {
        return;
    }
    for (size_t i = 0; i < policy->claim_count; i++) {
        for (char **value = policy->claims[i].values; value && *value; value++) {
            free(*value);
        }
        free(policy->claims[i].values);
        free(policy->claims[i].name);
    }
    free(policy->claims);
    free(policy->issuer);
    free(policy->audience);
    free(policy->jwks_url);
    free(policy->jwks_file);
    free(policy);
}

const struct oidc_claim *oidc_policy_claim(const struct oidc_policy *policy, const char *name) {
    for (size_t i = 0; i < policy->claim_count; i++) {
        if (strcmp(policy->claims[i].name, name) == 0) {
            return &policy->claims[i];
        }
    }
    return NULL;
}

/* ---- addresses ---- */

static bool loopback(const char *host, size_t len) {
    static const char *const names[] = {"localhost", "127.0.0.1", "[::1]"};
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        size_t name = strlen(names[i]);
        if (len >= name && strncasecmp(host, names[i], name) == 0 &&
            (len == name || host[name] == ':')) {
            return true;
        }
    }
    return false;
}

bool oidc_url_check(const char *url, struct err *err) {
    bool tls = strncmp(url, "https://", 8) == 0;
    bool plain = strncmp(url, "http://", 7) == 0;
    const char *host = url + (tls ? 8 : 7);
    if (strlen(url) > URL_MAX || (!tls && !plain)) {
        return err_set(err, ERR_INVALID, "\"%.100s\" must be an https:// address", url);
    }
    size_t len = strcspn(host, "/");
    if (len == 0 || strpbrk(host, "?#@\\ ")) {
        return err_set(err, ERR_INVALID,
                       "\"%.100s\" must be https://HOST[:PORT][/PATH], without user, query or "
                       "fragment",
                       url);
    }
    return tls || loopback(host, len) ||
           err_set(err, ERR_INVALID, "\"%.100s\" must be https://: http is for loopback only", url);
}

/* ---- owners ---- */

/* A claim that identifies an owner. segments: the number of the value's first segments (behind
 * prefix) without wildcards; 0: no wildcard at all. */
struct owner_claim {
    const char *name, *prefix;
    size_t segments;
};

static const struct shared_issuer {
    const char *issuer;
    struct owner_claim claims[8];
} shared_issuers[] = {
    {"https://token.actions.githubusercontent.com",
     {{"repository_owner_id", "", 0},
      {"repository_id", "", 0},
      {"repository_owner", "", 0},
      {"repository", "", 1},
      {"job_workflow_ref", "", 1},
      {"workflow_ref", "", 1},
      {"sub", "repo:", 1}}},
    {"https://gitlab.com",
     {{"namespace_id", "", 0},
      {"project_id", "", 0},
      {"namespace_path", "", 1},
      {"project_path", "", 1},
      {"sub", "project_path:", 1}}},
    {"https://accounts.google.com", {{"email", "", 0}, {"sub", "", 0}}},
    {"https://agent.buildkite.com",
     {{"organization_id", "", 0}, {"organization_slug", "", 0}, {"pipeline_id", "", 0}}},
};

static bool pinned(const struct owner_claim *owner, const char *value) {
    size_t prefix = strlen(owner->prefix);
    if (strncmp(value, owner->prefix, prefix) != 0) {
        return false;
    }
    value += prefix;
    size_t len = owner->segments ? strcspn(value, "/") : strlen(value);
    return len > 0 && !memchr(value, '*', len) &&
           (!owner->segments || value[len] == '/' || !strchr(value, '*'));
}

/* Every alternative must identify the owner: a single open one would admit everybody. */
static bool pins(const struct oidc_policy *policy, const struct owner_claim *owner) {
    const struct oidc_claim *claim = oidc_policy_claim(policy, owner->name);
    for (char **value = claim ? claim->values : NULL; value && *value; value++) {
        if (!pinned(owner, *value)) {
            return false;
        }
    }
    return claim != NULL;
}

static bool owner_pinned(const struct oidc_policy *policy, const struct shared_issuer *shared,
                         struct err *err) {
    CLEANUP(buf_release) struct buf names = BUF_INIT(256);
    for (const struct owner_claim *owner = shared->claims; owner->name; owner++) {
        if (pins(policy, owner)) {
            return true;
        }
        buf_printf(&names, "%s%s", names.len ? ", " : "", owner->name);
    }
    return err_set(
        err, ERR_INVALID,
        "anybody can get tokens of %s: pin their owner, without a wildcard in it, by one of %s",
        policy->issuer, buf_text(&names));
}

bool oidc_policy_check(const struct oidc_policy *policy, struct err *err) {
    for (size_t i = 0; i < ARRAY_LENGTH(shared_issuers); i++) {
        if (strcmp(policy->issuer, shared_issuers[i].issuer) == 0) {
            return owner_pinned(policy, &shared_issuers[i], err);
        }
    }
    return policy->claim_count > 0 ||
           err_set(err, ERR_INVALID,
                   "without a claim every job of the issuer may push: pin one, like claims: "
                   "{repository: brian/site}");
}
