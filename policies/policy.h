/* May this target want that tag? (interface.md section 2, "Policies".) Pure: facts in, verdict and
 * a reason for people out. */
#ifndef LANDWAITER_POLICIES_POLICY_H
#define LANDWAITER_POLICIES_POLICY_H

#include <stdbool.h>

#include "base/err.h"

enum policy_kind { POLICY_DIGEST, POLICY_NEVER };

struct policy {
    enum policy_kind kind;
};

/* "digest", "never". ERR_INVALID names what can be written. */
bool policy_parse(const char *text, struct policy *out, struct err *err) MUST_USE;
const char *policy_name(const struct policy *policy);

struct policy_verdict {
    bool wanted;
    char reason[160];
};
/* running and pushed are tags. */
struct policy_verdict policy_decide(const struct policy *policy, const char *running,
                                    const char *pushed);

#endif
