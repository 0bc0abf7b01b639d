/* Regular expressions over tags: PCRE2, anchored at both ends, with bounded matching and depth.
 * Pure. */
#ifndef LANDWAITER_POLICIES_EXPRESSION_H
#define LANDWAITER_POLICIES_EXPRESSION_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define EXPRESSION_GROUP_MAX 128 /* bytes of what the group `version` may catch */

struct expression;

/* ERR_INVALID says what is wrong and where. The caller frees *out. */
bool expression_new(const char *pattern, struct expression **out, struct err *err) MUST_USE;
void expression_free(struct expression *expression);
/* For CLEANUP. */
void expression_release(struct expression **expression);

/* Is there a group named `version`? */
bool expression_has_version(const struct expression *expression) MUST_USE;

enum expression_result {
    EXPRESSION_NO,
    EXPRESSION_YES,
    EXPRESSION_TOO_LONG, /* it was given up: too many steps */
};

/* version becomes what the group of that name caught, "" for none. */
enum expression_result expression_match(const struct expression *expression, const char *text,
                                        char version[EXPRESSION_GROUP_MAX + 1]);

#endif
