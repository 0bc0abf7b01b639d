/* Regular expressions over tags: PCRE2, anchored at both ends, with bounded steps and depth.
 * Pure. */
#ifndef LANDWAITER_POLICIES_EXPRESSION_H
#define LANDWAITER_POLICIES_EXPRESSION_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define EXPRESSION_GROUP_MAX 128 /* bytes that the group `version` may capture */

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
    EXPRESSION_TOO_LONG, /* gave up: too many steps */
};

/* version: receives the capture of that group, "" for none. */
enum expression_result expression_match(const struct expression *expression, const char *text,
                                        char version[EXPRESSION_GROUP_MAX + 1]);

#endif
