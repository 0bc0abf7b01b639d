/* Versions in tags: SemVer 2.0 (semver.org, sections 2, 9 to 11) with the field's liberties.
 *
 * Taken besides strict SemVer: a leading v; one to four numbers, of any length and with leading
 * zeros; a pre-release without its hyphen (3.13.0rc1). What follows the hyphen and does not begin
 * like a pre-release (alpha, beta, rc, dev…, or a number) is a variant: `-alpine3.20`, `-slim`,
 * `-gc1cfb686`. A variant is part of what the image is, not of how new it is. `_` begins one, too.
 *
 * A version only points into its text. Pure. */
#ifndef LANDWAITER_POLICIES_VERSION_H
#define LANDWAITER_POLICIES_VERSION_H

#include <stdbool.h>
#include <stddef.h>

#include "base/own.h"

#define VERSION_NUMBERS_MAX 4

struct version_part {
    const char *at;
    size_t len; /* 0: there is none */
};

struct version {
    struct version_part number[VERSION_NUMBERS_MAX];
    size_t numbers;                 /* as many as were written, at least 1 */
    struct version_part prerelease; /* "rc.1"; without hyphen */
    struct version_part variant;    /* "-alpine"; with what begins it */
    struct version_part build;      /* behind +; never compared (SemVer section 10) */
};

/* False: it is not a version. */
bool version_parse(struct version_part text, struct version *out) MUST_USE;
struct version_part version_part_of(const char *text);

/* Below, at, above 0 as a is older than, as old as, newer than b: SemVer section 11, with missing
 * numbers as 0, leading zeros ignored, and the number at the end of an identifier compared as a
 * number (rc9 before rc10; strict SemVer has it the other way round). Variants and builds do not
 * count. A total order. */
int version_compare(const struct version *a, const struct version *b) MUST_USE;
/* The same for the first `count` numbers alone. */
int version_compare_numbers(const struct version *a, const struct version *b,
                            size_t count) MUST_USE;
bool version_same_variant(const struct version *a, const struct version *b) MUST_USE;

/* Does the pre-release begin with a number (1.4.2-1)? SemVer sorts that before 1.4.2; many image
 * builders mean a later build of it. */
bool version_prerelease_is_revision(const struct version *version) MUST_USE;

/* Digits, by value. */
int version_compare_digits(struct version_part a, struct version_part b) MUST_USE;

#endif
