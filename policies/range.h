/* Ranges of versions, as users of npm (node-semver) and of Masterminds/semver (Helm, Flux, Keel)
 * write them: `~1.2`, `^1.2.3`, `1.2.x`, `1.2`, `>=1.2 <2`, `>=1.2, <2`, `1.2 - 1.4`,
 * `^1.2 || ^2.0`, `!=1.2.3`, `*`.
 *
 * A bound without a pre-release means whole numbers: `<2` and `<2.0.0` leave 2.0.0-rc.1 out, `>1.4`
 * leaves all of 1.4 out. Variants (`-alpine`) play no part. Pure; only points into the text. */
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
    struct version bound; /* numbers: as many as were written before a wildcard */
    size_t alternative;   /* terms of one alternative must all hold */
};

struct range {
    struct range_term terms[RANGE_TERMS_MAX];
    size_t count;
};

/* ERR_INVALID with what to write instead. */
bool range_parse(const char *text, struct range *out, struct err *err) MUST_USE;

/* Is that version within one of the alternatives? With prerelease_wanted a pre-release is judged by
 * its place alone; without, it must lie in an alternative that names a pre-release itself. */
bool range_holds(const struct range *range, const struct version *version,
                 bool prerelease_wanted) MUST_USE;

#endif
