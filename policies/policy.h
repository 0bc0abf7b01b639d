/* May this target want that tag? (interface.md section 2, "Policies".) Pure: facts in, verdict and
 * a reason for people out. */
#ifndef LANDWAITER_POLICIES_POLICY_H
#define LANDWAITER_POLICIES_POLICY_H

#include <stdbool.h>

#include "base/err.h"

#define POLICY_TEXT_MAX 255

enum policy_kind {
    POLICY_DIGEST, /* the tag that runs, whatever digest it now has */
    POLICY_MAJOR,  /* a newer version than the one that runs */
    POLICY_MINOR,  /* the same within its first number */
    POLICY_PATCH,  /* the same within its first two numbers */
    POLICY_SEMVER, /* the same within a range */
    POLICY_GLOB,   /* any tag that matches */
    POLICY_REGEX,  /* the same; with a group `version`, only a newer one */
    POLICY_FORCE,  /* any tag */
    POLICY_NEVER,
};

/* A plain value. */
struct policy {
    enum policy_kind kind;
    char text[POLICY_TEXT_MAX + 1]; /* as it was written, with its pattern; "" is the bare kind */
};

/* Patterns are checked here. ERR_INVALID says what to write instead. */
bool policy_parse(const char *text, struct policy *out, struct err *err) MUST_USE;
/* As it was written: "minor", "semver:~15". Lives as long as the policy. */
const char *policy_name(const struct policy *policy);

struct policy_verdict {
    bool wanted;
    char reason[160];
};
/* running and pushed are tags, "" for none. A version is never taken back: of two that cannot be
 * ordered for certain (another suffix, 1.4 and 1.4.2, 1.4.2-1 and 1.4.2) none is newer. A regular
 * expression ends after a bounded number of steps and then does not match. */
struct policy_verdict policy_decide(const struct policy *policy, const char *running,
                                    const char *pushed);

#endif
