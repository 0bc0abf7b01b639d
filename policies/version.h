/* Versions in tags: SemVer 2.0 (semver.org, sections 2, 9 to 11), extended by common practice.
 *
 * Also accepts: a leading v; one to four numbers, of any length and with leading zeros; a
 * pre-release without its hyphen (3.13.0rc1). Text behind the hyphen that does not begin like a
 * pre-release (alpha, beta, rc, dev…, or a number) is a variant: `-alpine3.20`, `-slim`,
 * `-gc1cfb686`. A variant names the contents of the image, not its age. `_` begins a variant, too.
 *
 * A version points into its text. Pure. */
#ifndef LANDWAITER_POLICIES_VERSION_H
#define LANDWAITER_POLICIES_VERSION_H

#include <stdbool.h>
#include <stddef.h>

#include "base/own.h"

#define VERSION_NUMBERS_MAX 4

struct version_part {
    const char *at;
    size_t len; /* 0: none */
};

struct version {
    struct version_part number[VERSION_NUMBERS_MAX];
    size_t numbers;                 /* as written, at least 1 */
    struct version_part prerelease; /* "rc.1", without the hyphen */
    struct version_part variant;    /* "-alpine", with the byte that begins it */
    struct version_part build;      /* behind +; never compared (SemVer section 10) */
};

/* False: not a version. */
bool version_parse(struct version_part text, struct version *out) MUST_USE;
struct version_part version_part_of(const char *text);

/* Negative, 0 or positive if a is older than, as old as or newer than b: SemVer section 11, with
 * missing numbers as 0, leading zeros ignored, and the number at the end of an identifier compared
 * as a number (rc9 before rc10, unlike strict SemVer). Ignores variants and builds. A total
 * order. */
int version_compare(const struct version *a, const struct version *b) MUST_USE;
/* The same for the first `count` numbers only. */
int version_compare_numbers(const struct version *a, const struct version *b,
                            size_t count) MUST_USE;
bool version_same_variant(const struct version *a, const struct version *b) MUST_USE;

/* Does the pre-release begin with a number (1.4.2-1)? SemVer sorts it before 1.4.2; many image
 * builders mean a later build. */
bool version_prerelease_is_revision(const struct version *version) MUST_USE;

/* Compares digits by value. */
int version_compare_digits(struct version_part a, struct version_part b) MUST_USE;

#endif
