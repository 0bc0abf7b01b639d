/* The footer of a TZif file: a POSIX TZ string with the extensions of RFC 9636 section 3.3.1. For
 * policies/zone.c only. Pure. */
#ifndef LANDWAITER_POLICIES_ZONE_RULE_H
#define LANDWAITER_POLICIES_ZONE_RULE_H

#include "policies/zone.h"

/* One of the two clock changes of a year, as in POSIX TZ strings. */
struct zone_change {
    char kind;            /* 'M', 'J' or 'D' (a plain day number) */
    int month, week, day; /* kind M; otherwise only day */
    int32_t time;         /* seconds of local time */
};

struct zone_rule {
    int32_t standard, summer; /* offsets */
    bool changes;             /* false: only `standard` counts */
    struct zone_change to_summer, to_standard;
};

struct zone_step {
    int64_t at;
    int32_t offset; /* offset from then on */
};

/* False: text is not such a string. */
bool zone_rule_parse(const char *text, struct zone_rule *out) MUST_USE;
/* The two changes of a year, in order. The rule must have changes. */
void zone_rule_year(const struct zone_rule *rule, int year, struct zone_step out[2]);
/* The period around an instant. The rule must have changes. */
struct zone_period zone_rule_period(const struct zone_rule *rule, int64_t instant);

#endif
