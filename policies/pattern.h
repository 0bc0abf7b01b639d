/* Patterns of image names in `images`, `match.image` and `verify` (interface.md section 2): `*`
 * within one path segment, `**` across. Matched against the full normalised name without tag or
 * digest. Pure; linear in pattern times name. */
#ifndef LANDWAITER_POLICIES_PATTERN_H
#define LANDWAITER_POLICIES_PATTERN_H

#include <stdbool.h>

#include "base/err.h"

#define PATTERN_MAX 512

/* ERR_INVALID when it is empty, too long, or has a wildcard other than `*` and `**` (`?`, `[`, `{`,
 * `\`), white space, or a character that no image name has, with what to write instead. */
bool pattern_check(const char *pattern, struct err *err) MUST_USE;
bool pattern_match(const char *pattern, const char *name) MUST_USE;

#endif
