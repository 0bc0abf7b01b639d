/* Does a target's policy accept a pushed tag? (interface.md section 2, "Policies".) Pure: facts in,
 * verdict and a reason for people out. */
#ifndef LANDWAITER_POLICIES_POLICY_H
#define LANDWAITER_POLICIES_POLICY_H

#include <stdbool.h>

#include "base/err.h"

#define POLICY_TEXT_MAX 255

enum policy_kind {
    POLICY_DIGEST, /* the running tag, with any digest */
    POLICY_MAJOR,  /* a newer version than the running one */
    POLICY_MINOR,  /* the same within its first number */
    POLICY_PATCH,  /* the same within its first two numbers */
    POLICY_SEMVER, /* the same within a range */
    POLICY_GLOB,   /* any matching tag */
    POLICY_REGEX,  /* the same; with a group `version`, only a newer one */
    POLICY_FORCE,  /* any tag */
    POLICY_NEVER,
};

/* A plain value; needs no release. */
struct policy {
    enum policy_kind kind;
    char text[POLICY_TEXT_MAX + 1]; /* as written, with its pattern; "" is the bare kind */
};

/* Checks patterns. ERR_INVALID says what to write instead. */
bool policy_parse(const char *text, struct policy *out, struct err *err) MUST_USE;
/* The text as written: "minor", "semver:~15". Lives as long as the policy. */
const char *policy_name(const struct policy *policy);

struct policy_verdict {
    bool wanted;
    char reason[160];
};
/* running and pushed are tags, "" for none. Never accepts an older version; of two with an
 * ambiguous order (another suffix, 1.4 and 1.4.2, 1.4.2-1 and 1.4.2) neither is newer. A regular
 * expression that exceeds its steps does not match. */
struct policy_verdict policy_decide(const struct policy *policy, const char *running,
                                    const char *pushed);

#endif
