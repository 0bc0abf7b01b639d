/* Policies: owns which pushed tags a target takes. Never asks anybody: the facts come in. */
#include "policies/policy.h"

struct policy_row {
    enum policy_kind kind;
    const char *name;
    struct policy_verdict (*decide)(const char *running, const char *pushed);
};

static struct policy_verdict policy_decide_digest(const char *running, const char *pushed) {
    struct policy_verdict verdict = {.wanted = strcmp(running, pushed) == 0};
    if (verdict.wanted) {
        (void)snprintf(verdict.reason, sizeof verdict.reason, "it runs tag %.64s", running);
    } else if (!*running) {
        (void)snprintf(verdict.reason, sizeof verdict.reason,
                       "policy digest follows the tag that runs, and it runs none");
    } else {
        (void)snprintf(verdict.reason, sizeof verdict.reason,
                       "policy digest follows tag %.48s, and %.48s was pushed", running, pushed);
    }
    return verdict;
}

static struct policy_verdict policy_decide_never(const char *running, const char *pushed) {
    (void)running;
    (void)pushed;
    return (struct policy_verdict){.wanted = false, .reason = "policy is never"};
}

/* `never` stays last: it is also the safe answer for a kind without a row. */
static const struct policy_row policy_rows[] = {
    {POLICY_DIGEST, "digest", policy_decide_digest},
    {POLICY_NEVER, "never", policy_decide_never},
};

static const struct policy_row *policy_row_of(const struct policy *policy) {
    for (size_t i = 0; i < ARRAY_LENGTH(policy_rows); i++) {
        if (policy_rows[i].kind == policy->kind) {
            return &policy_rows[i];
        }
    }
    return &policy_rows[ARRAY_LENGTH(policy_rows) - 1];
}

bool policy_parse(const char *text, struct policy *out, struct err *err) {
    char known[128] = "";
    size_t used = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(policy_rows); i++) {
        if (strcmp(policy_rows[i].name, text) == 0) {
            out->kind = policy_rows[i].kind;
            return true;
        }
        int n =
            snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", policy_rows[i].name);
        used += n > 0 && (size_t)n < sizeof known - used ? (size_t)n : 0;
    }
    return err_set(err, ERR_INVALID, "\"%.64s\" is not a policy; write one of: %s", text, known);
}

const char *policy_name(const struct policy *policy) {
    return policy_row_of(policy)->name;
}

struct policy_verdict policy_decide(const struct policy *policy, const char *running,
                                    const char *pushed) {
    return policy_row_of(policy)->decide(running, pushed);
}
