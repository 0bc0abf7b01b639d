/* Patterns of image names, for `images`, `match.image` and `verify` (interface.md section 2): `*`
 * within one path segment, `**` across segments. They match the full normalised name without tag or
 * digest. Pure; time is linear in pattern times name. */
#ifndef LANDWAITER_POLICIES_PATTERN_H
#define LANDWAITER_POLICIES_PATTERN_H

#include <stdbool.h>

#include "base/err.h"

#define PATTERN_MAX 512

/* ERR_INVALID: empty, too long, a wildcard other than `*` and `**` (`?`, `[`, `{`, `\`), white
 * space, or a character that no image name has. Says what to write instead. */
bool pattern_check(const char *pattern, struct err *err) MUST_USE;
bool pattern_match(const char *pattern, const char *name) MUST_USE;

#endif
