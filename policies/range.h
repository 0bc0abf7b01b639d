/* Ranges of versions as in npm (node-semver) and Masterminds/semver (Helm, Flux, Keel): `~1.2`,
 * `^1.2.3`, `1.2.x`, `1.2`, `>=1.2 <2`, `>=1.2, <2`, `1.2 - 1.4`, `^1.2 || ^2.0`, `!=1.2.3`, `*`.
 *
 * A bound without a pre-release stands for all versions with these numbers: `<2` and `<2.0.0`
 * exclude 2.0.0-rc.1, `>1.4` excludes all of 1.4. Ignores variants (`-alpine`). Pure; points into
 * the text. */
#ifndef LANDWAITER_POLICIES_RANGE_H
#define LANDWAITER_POLICIES_RANGE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "policies/version.h"

#define RANGE_TERMS_MAX 32

enum range_operator {
    RANGE_ANY,
    RANGE_EQUAL,
    RANGE_NOT_EQUAL,
    RANGE_LESS,
    RANGE_LESS_EQUAL,
    RANGE_GREATER,
    RANGE_GREATER_EQUAL,
    RANGE_TILDE,
    RANGE_CARET,
    RANGE_WITHIN, /* 1.2.x */
};

struct range_term {
    enum range_operator sign;
    struct version bound; /* numbers: those before a wildcard */
    size_t alternative;   /* all terms of an alternative must hold */
};

struct range {
    struct range_term terms[RANGE_TERMS_MAX];
    size_t count;
};

/* ERR_INVALID says what to write instead. */
bool range_parse(const char *text, struct range *out, struct err *err) MUST_USE;

/* Does one of the alternatives contain the version? Unless prerelease_wanted is set, only an
 * alternative that names a pre-release itself contains pre-releases. */
bool range_holds(const struct range *range, const struct version *version,
                 bool prerelease_wanted) MUST_USE;

#endif
