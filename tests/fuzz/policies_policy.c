/* A policy, a running tag, a pushed tag, a line each: never accepts both directions, and always has
 * a reason. */
#include <stdint.h>

#include "policies/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool ordered(enum policy_kind kind) {
    return kind == POLICY_MAJOR || kind == POLICY_MINOR || kind == POLICY_PATCH ||
           kind == POLICY_SEMVER;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > 1024) {
        return 0;
    }
    char text[1025];
    memcpy(text, data, size);
    text[size] = '\0';
    char *rest = text;
    const char *written = strsep(&rest, "\n");
    const char *running = rest ? strsep(&rest, "\n") : "";
    const char *pushed = rest ? strsep(&rest, "\n") : "";
    struct policy policy;
    struct err err = ERR_INIT;
    bool good = policy_parse(written, &policy, &err);
    if (good != (err.kind == ERR_NONE)) {
        abort();
    }
    if (!good) {
        return 0;
    }
    struct policy_verdict there = policy_decide(&policy, running, pushed);
    struct policy_verdict back = policy_decide(&policy, pushed, running);
    if (!there.reason[0] || !back.reason[0] || strcmp(policy_name(&policy), written) != 0 ||
        (ordered(policy.kind) && there.wanted && back.wanted)) {
        abort();
    }
    return 0;
}
