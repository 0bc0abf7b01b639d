/* POSIX TZ strings: owns their grammar and their clock changes as instants. */
#include "policies/zone_rule.h"

#include <string.h>

#include "base/date.h"

/* The year of the instant and two on both sides, because a change may lie a week outside its
 * year. */
#define ZONE_NEAR_YEARS 5

static bool zone_alphabetic(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool zone_footer_name(const char **at) {
    bool quoted = **at == '<';
    const char *first = *at + (quoted ? 1 : 0);
    const char *p = first;
    while (zone_alphabetic(*p) || (quoted && *p && strchr("0123456789+-", *p))) {
        p++;
    }
    if (p - first < 3 || (quoted && *p != '>')) {
        return false;
    }
    *at = p + (quoted ? 1 : 0);
    return true;
}

/* Digits up to max; false: none. */
static bool zone_footer_number(const char **at, int max, int *out) {
    const char *p = *at;
    int value = 0;
    while (*p >= '0' && *p <= '9' && value <= max) {
        value = value * 10 + (*p++ - '0');
    }
    if (p == *at || value > max) {
        return false;
    }
    *at = p;
    *out = value;
    return true;
}

/* [+-]hh[:mm[:ss]] in seconds. */
static bool zone_footer_time(const char **at, int max_hours, int32_t *out) {
    int sign = **at == '-' ? -1 : 1;
    if (**at == '-' || **at == '+') {
        (*at)++;
    }
    int hours = 0, minutes = 0, seconds = 0;
    if (!zone_footer_number(at, max_hours, &hours)) {
        return false;
    }
    if (**at == ':') {
        (*at)++;
        if (!zone_footer_number(at, 59, &minutes)) {
            return false;
        }
        if (**at == ':') {
            (*at)++;
            if (!zone_footer_number(at, 59, &seconds)) {
                return false;
            }
        }
    }
    *out = sign * (hours * 3600 + minutes * 60 + seconds);
    return true;
}

static bool zone_footer_expect(const char **at, char c) {
    if (**at != c) {
        return false;
    }
    (*at)++;
    return true;
}

/* M3.5.0 */
static bool zone_footer_month(const char **at, struct zone_change *out) {
    return zone_footer_number(at, 12, &out->month) && out->month >= 1 &&
           zone_footer_expect(at, '.') && zone_footer_number(at, 5, &out->week) && out->week >= 1 &&
           zone_footer_expect(at, '.') && zone_footer_number(at, 6, &out->day);
}

static bool zone_footer_change(const char **at, struct zone_change *out) {
    *out = (struct zone_change){.kind = 'D', .time = 7200};
    if (!zone_footer_expect(at, ',')) {
        return false;
    }
    bool good;
    if (**at == 'M' || **at == 'J') {
        out->kind = *(*at)++;
    }
    if (out->kind == 'M') {
        good = zone_footer_month(at, out);
    } else {
        good = zone_footer_number(at, 365, &out->day) && (out->kind != 'J' || out->day >= 1);
    }
    if (good && **at == '/') {
        (*at)++;
        good = zone_footer_time(at, 167, &out->time);
    }
    return good;
}

bool zone_rule_parse(const char *text, struct zone_rule *out) {
    struct zone_rule rule = {0};
    const char *at = text;
    int32_t west = 0;
    if (!zone_footer_name(&at) || !zone_footer_time(&at, 24, &west)) {
        return false;
    }
    rule.standard = rule.summer = -west;
    if (*at) {
        if (!zone_footer_name(&at)) {
            return false;
        }
        rule.summer = rule.standard + 3600;
        if (*at && *at != ',') {
            if (!zone_footer_time(&at, 24, &west)) {
                return false;
            }
            rule.summer = -west;
        }
        rule.changes = true;
        if (!zone_footer_change(&at, &rule.to_summer) ||
            !zone_footer_change(&at, &rule.to_standard) || *at) {
            return false;
        }
    }
    *out = rule;
    return true;
}

static int64_t zone_change_day(const struct zone_change *change, int year) {
    int64_t new_year = date_days((struct date){year, 1, 1});
    if (change->kind == 'D') {
        return new_year + change->day;
    }
    if (change->kind == 'J') { /* never counts 29 February */
        bool leap = date_month_length(year, 2) == 29;
        return new_year + change->day - 1 + (leap && change->day >= 60 ? 1 : 0);
    }
    int64_t first = date_days((struct date){year, change->month, 1});
    int64_t day = first + (change->day - date_weekday(first) + 7) % 7 + 7 * (change->week - 1);
    int64_t end = first + date_month_length(year, change->month);
    return day < end ? day : day - 7;
}

void zone_rule_year(const struct zone_rule *rule, int year, struct zone_step out[2]) {
    struct zone_step summer = {.at = zone_change_day(&rule->to_summer, year) * DATE_DAY_SECONDS +
                                     rule->to_summer.time - rule->standard,
                               .offset = rule->summer};
    struct zone_step standard = {.at =
                                     zone_change_day(&rule->to_standard, year) * DATE_DAY_SECONDS +
                                     rule->to_standard.time - rule->summer,
                                 .offset = rule->standard};
    bool summer_first = summer.at < standard.at;
    out[0] = summer_first ? summer : standard;
    out[1] = summer_first ? standard : summer;
}

struct zone_period zone_rule_period(const struct zone_rule *rule, int64_t instant) {
    struct zone_step steps[2 * ZONE_NEAR_YEARS];
    int year = date_of(date_days_of_seconds(instant)).year;
    for (int i = 0; i < ZONE_NEAR_YEARS; i++) {
        zone_rule_year(rule, year + i - ZONE_NEAR_YEARS / 2, steps + 2 * (size_t)i);
    }
    size_t count = ARRAY_LENGTH(steps);
    for (size_t i = 1; i < count; i++) { /* nearly sorted already; stable */
        for (size_t j = i; j > 0 && steps[j].at < steps[j - 1].at; j--) {
            struct zone_step step = steps[j];
            steps[j] = steps[j - 1];
            steps[j - 1] = step;
        }
    }
    size_t at = 0;
    while (at + 2 < count && steps[at + 1].at <= instant) {
        at++;
    }
    return (struct zone_period){
        .from = steps[at].at, .until = steps[at + 1].at, .offset = steps[at].offset};
}
