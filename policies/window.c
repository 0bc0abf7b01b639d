/* A window or freeze by itself: owns the meaning of its members, also across clock changes. Never
 * reads the clock, and never merges several (policies/schedule.c does). */
#include "policies/window.h"

#include <stddef.h>

#include "base/clock.h"
#include "base/date.h"

#define WINDOW_ALL_DAYS 0x7f

/* ---- members ---- */

struct window_member {
    const char *name;
    size_t offset; /* offset of its text in struct window_spec */
    bool (*read)(const char *text, struct window *out, struct err *err);
};

/* "HH:MM" to seconds. */
static bool window_time(const char *text, int32_t *out) {
    if (strlen(text) != 5 || text[2] != ':') {
        return false;
    }
    for (size_t i = 0; i < 5; i++) {
        if (i != 2 && (text[i] < '0' || text[i] > '9')) {
            return false;
        }
    }
    int hour = (text[0] - '0') * 10 + (text[1] - '0');
    int minute = (text[3] - '0') * 10 + (text[4] - '0');
    if (minute > 59 || hour > 24 || (hour == 24 && minute > 0)) {
        return false;
    }
    *out = hour * 3600 + minute * 60;
    return true;
}

static bool window_read_start(const char *text, struct window *out, struct err *err) {
    int32_t start = 0;
    if (!window_time(text, &start) || start == DATE_DAY_SECONDS) {
        return err_set(err, ERR_INVALID,
                       "\"%.32s\" is not a time of day; write hours and minutes with two digits "
                       "each, 00:00 to 23:59, in quotes: \"22:30\"",
                       text);
    }
    out->start = start;
    return true;
}

static bool window_read_end(const char *text, struct window *out, struct err *err) {
    if (!window_time(text, &out->end)) {
        return err_set(err, ERR_INVALID,
                       "\"%.32s\" is not a time of day; write hours and minutes with two digits "
                       "each, 00:00 to 24:00, in quotes: \"05:00\"",
                       text);
    }
    return true;
}

static bool window_read_duration(const char *text, struct window *out, struct err *err) {
    int64_t ms = 0;
    if (!clock_duration_parse(text, &ms) || ms < 60000 || ms % 60000 != 0 ||
        ms > (int64_t)WINDOW_DURATION_MAX_DAYS * DATE_DAY_SECONDS * 1000) {
        return err_set(err, ERR_INVALID,
                       "\"%.32s\" is not a duration of a window; write whole minutes, hours or "
                       "days, at most %dd: 90m, 3h",
                       text, WINDOW_DURATION_MAX_DAYS);
    }
    out->duration = (int32_t)(ms / 1000);
    return true;
}

static bool window_read_nth(const char *text, struct window *out, struct err *err) {
    if (strcmp(text, "last") == 0) {
        out->nth = -1;
        return true;
    }
    if (text[0] < '1' || text[0] > '5' || text[1] != '\0') {
        return err_set(err, ERR_INVALID, "\"%.32s\" is out of range; write 1 to 5, or last", text);
    }
    out->nth = text[0] - '0';
    return true;
}

static bool window_read_date(const char *text, int64_t *out, struct err *err) {
    return date_parse(text, out) ||
           err_set(err, ERR_INVALID,
                   "\"%.32s\" is not a date; write year, month and day in quotes: \"2026-12-20\"",
                   text);
}

static bool window_read_from(const char *text, struct window *out, struct err *err) {
    return window_read_date(text, &out->from_day, err);
}

static bool window_read_to(const char *text, struct window *out, struct err *err) {
    return window_read_date(text, &out->to_day, err);
}

static const struct window_member window_members[] = {
    {"nth", offsetof(struct window_spec, nth), window_read_nth},
    {"start", offsetof(struct window_spec, start), window_read_start},
    {"end", offsetof(struct window_spec, end), window_read_end},
    {"duration", offsetof(struct window_spec, duration), window_read_duration},
    {"from", offsetof(struct window_spec, from), window_read_from},
    {"to", offsetof(struct window_spec, to), window_read_to},
    {"tz", offsetof(struct window_spec, tz), NULL}, /* needs the store */
};

const char **window_spec_text(struct window_spec *spec, const char *member) {
    for (size_t i = 0; i < ARRAY_LENGTH(window_members); i++) {
        if (strcmp(window_members[i].name, member) == 0) {
            return (const char **)(void *)((char *)spec + window_members[i].offset);
        }
    }
    return NULL;
}

static bool window_read_members(const struct window_spec *spec, struct window *out,
                                struct window_fault *fault) {
    for (size_t i = 0; i < ARRAY_LENGTH(window_members); i++) {
        const struct window_member *member = &window_members[i];
        const char *text =
            *(const char *const *)(const void *)((const char *)spec + member->offset);
        if (text && member->read && !member->read(text, out, &fault->err)) {
            fault->member = member->name;
            return false;
        }
    }
    return true;
}

static bool window_day(const char *text, unsigned *out) {
    static const char *const names[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        if (strcmp(names[i], text) == 0) {
            *out |= 1U << i;
            return true;
        }
    }
    return false;
}

static bool window_read_days(const struct window_spec *spec, struct window *out, struct err *err) {
    if (!spec->days) {
        out->days = WINDOW_ALL_DAYS;
        return true;
    }
    unsigned days = 0;
    for (size_t i = 0; i < spec->day_count; i++) {
        if (!window_day(spec->days[i], &days)) {
            return err_set(err, ERR_INVALID,
                           "\"%.32s\" is not a day; write mon, tue, wed, thu, fri, sat or sun",
                           spec->days[i]);
        }
    }
    out->days = (unsigned char)days;
    return days != 0 || err_set(err, ERR_INVALID, "no day is named; leave `days` out for all days");
}

static bool window_name_good(const char *name) {
    size_t len = strlen(name);
    for (size_t i = 0; i < len; i++) {
        char c = name[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && (i == 0 || !strchr("-_.", c))) {
            return false;
        }
    }
    return len > 0 && len <= WINDOW_NAME_MAX;
}

static bool window_read_name(const struct window_spec *spec, struct window *out, struct err *err) {
    const char *name = spec->name ? spec->name : "";
    if (!window_name_good(name)) {
        return err_set(err, ERR_INVALID,
                       "\"%.64s\" cannot be the name of a window; write at most %d letters, "
                       "digits, '-', '_' and '.'",
                       name, WINDOW_NAME_MAX);
    }
    if (strcmp(name, "always") == 0) {
        return err_set(err, ERR_INVALID,
                       "`always` is the window that is always open; write another name");
    }
    (void)snprintf(out->name, sizeof out->name, "%s", name);
    return true;
}

/* ---- windows ---- */

static bool window_fault_set(struct window_fault *fault, const char *member, const char *message) {
    fault->member = member;
    return err_set(&fault->err, ERR_INVALID, "%s", message);
}

/* Without `start` a freeze covers whole days. */
static bool window_check_days(const struct window_spec *spec, struct window *out,
                              struct window_fault *fault) {
    if (!out->freeze || spec->end || spec->duration) {
        return window_fault_set(fault, "",
                                "`start` is missing; write `start` with `end` or `duration`");
    }
    if (!spec->from && !spec->to && !spec->days) {
        return window_fault_set(
            fault, "", "the freeze does not say when; write `from` and `to`, `days`, or `start`");
    }
    out->end = DATE_DAY_SECONDS;
    return true;
}

static bool window_check_times(const struct window_spec *spec, struct window *out,
                               struct window_fault *fault) {
    if (spec->end && spec->duration) {
        return window_fault_set(fault, "duration", "write `end` or `duration`, not both");
    }
    if (!spec->start) {
        return window_check_days(spec, out, fault);
    }
    if (!spec->end && !spec->duration) {
        return window_fault_set(fault, "", "`end` or `duration` is missing; write one of them");
    }
    if (spec->end && out->end == out->start) {
        return window_fault_set(
            fault, "end",
            "`start` and `end` are equal; for whole days write \"00:00\" and \"24:00\"");
    }
    return true;
}

static bool window_read_zone(const struct window_spec *spec, struct zone_store *zones,
                             struct window *out, struct window_fault *fault) {
    if (!spec->tz) {
        return window_fault_set(
            fault, "", "`tz` is missing; write an IANA time zone name such as Europe/Berlin");
    }
    fault->member = "tz";
    return zone_store_get(zones, spec->tz, &out->zone, &fault->err);
}

bool window_make(const struct window_spec *spec, struct zone_store *zones, struct window *out,
                 struct window_fault *fault) {
    struct window window = {.freeze = spec->freeze,
                            .from_day = INT64_MIN,
                            .to_day = INT64_MAX,
                            .days = WINDOW_ALL_DAYS};
    fault->member = "name";
    if (!window_read_name(spec, &window, &fault->err)) {
        return false;
    }
    fault->member = "days";
    if (!window_read_days(spec, &window, &fault->err)) {
        return false;
    }
    if (!window_read_members(spec, &window, fault) || !window_check_times(spec, &window, fault)) {
        return false;
    }
    if (window.to_day < window.from_day) {
        return window_fault_set(fault, "to", "`to` is before `from`; write the later date in `to`");
    }
    if (!window_read_zone(spec, zones, &window, fault)) {
        return false;
    }
    if (window.duration == 0 && window.end <= window.start) {
        window.end += DATE_DAY_SECONDS;
    }
    *out = window;
    return true;
}

struct window window_always(void) {
    return (struct window){.name = "always", .always = true, .days = WINDOW_ALL_DAYS};
}

/* ---- open stretches ---- */

/* May the window start on that local date? */
static bool window_starts_on(const struct window *window, int64_t day) {
    if (day < window->from_day || day > window->to_day ||
        !(window->days >> date_weekday(day) & 1)) {
        return false;
    }
    if (window->nth == 0) {
        return true;
    }
    struct date date = date_of(day);
    if (window->nth < 0) {
        return date.day + 7 > date_month_length(date.year, date.month);
    }
    return (date.day + 6) / 7 == window->nth;
}

/* The first instant with that local time, or the first after the gap that contains it. False: the
 * gap takes the rest of the day. */
static bool window_start_instant(const struct zone *zone, int64_t local, int64_t *out) {
    struct zone_period period = zone_period_at(zone, local - ZONE_OFFSET_MAX);
    while (period.until != INT64_MAX && local - period.offset >= period.until) {
        period = zone_period_at(zone, period.until);
    }
    int64_t instant = local - period.offset;
    if (instant < period.from) {
        instant = period.from;
        if (date_days_of_seconds(instant + period.offset) != date_days_of_seconds(local)) {
            return false;
        }
    }
    *out = instant;
    return true;
}

static bool window_open_by_duration(const struct window *window, int64_t now, int64_t today) {
    /* The number of local dates to look back: the duration's, one for a partial day, and one for a
     * clock change of up to a day. */
    int64_t oldest = today - window->duration / DATE_DAY_SECONDS - 2;
    for (int64_t day = today + 1; day >= oldest; day--) {
        int64_t start = 0;
        if (window_starts_on(window, day) &&
            window_start_instant(window->zone, day * DATE_DAY_SECONDS + window->start, &start) &&
            start <= now && now < start + window->duration) {
            return true;
        }
    }
    return false;
}

int64_t window_second(int64_t now_ms) {
    const int64_t most = WINDOW_SECOND_MAX;
    int64_t now = now_ms / 1000 - (now_ms % 1000 < 0 ? 1 : 0);
    if (now > most) {
        return most;
    }
    return now < -most ? -most : now;
}

bool window_open_at(const struct window *window, int64_t now_ms) {
    if (window->always) {
        return true;
    }
    int64_t now = window_second(now_ms);
    int64_t local = now + zone_period_at(window->zone, now).offset;
    int64_t today = date_days_of_seconds(local);
    if (window->duration > 0) {
        return window_open_by_duration(window, now, today);
    }
    int64_t second = local - today * DATE_DAY_SECONDS;
    if (second >= window->start && second < window->end && window_starts_on(window, today)) {
        return true;
    }
    return second < window->end - DATE_DAY_SECONDS && window_starts_on(window, today - 1);
}

void window_spans_release(struct window_spans *spans) {
    free(spans->items);
    *spans = (struct window_spans)WINDOW_SPANS_INIT;
}

static bool window_spans_put(struct window_spans *spans, struct window_span span,
                             struct window_span range) {
    span.from = span.from > range.from ? span.from : range.from;
    span.until = span.until < range.until ? span.until : range.until;
    if (span.from >= span.until) {
        return true;
    }
    if (spans->count == spans->capacity) {
        size_t capacity = spans->capacity ? 2 * spans->capacity : 256;
        struct window_span *items = realloc(spans->items, capacity * sizeof *items);
        if (!items) {
            return false;
        }
        spans->items = items;
        spans->capacity = capacity;
    }
    spans->items[spans->count++] = span;
    return true;
}

/* Appends a wall-clock stretch, one piece for each period of constant offset. */
static bool window_spans_put_wall(struct window_spans *spans, const struct window *window,
                                  int64_t day, struct window_span range) {
    int64_t start = day * DATE_DAY_SECONDS + window->start;
    int64_t end = day * DATE_DAY_SECONDS + window->end;
    struct zone_period period = zone_period_at(window->zone, start - ZONE_OFFSET_MAX);
    for (;;) {
        struct window_span span = {.from = start - period.offset, .until = end - period.offset};
        span.from = span.from > period.from ? span.from : period.from;
        span.until = span.until < period.until ? span.until : period.until;
        if (!window_spans_put(spans, span, range)) {
            return false;
        }
        if (period.until > end + ZONE_OFFSET_MAX) {
            return true;
        }
        period = zone_period_at(window->zone, period.until);
    }
}

static bool window_spans_put_elapsed(struct window_spans *spans, const struct window *window,
                                     int64_t day, struct window_span range) {
    int64_t start = 0;
    if (!window_start_instant(window->zone, day * DATE_DAY_SECONDS + window->start, &start)) {
        return true;
    }
    return window_spans_put(
        spans, (struct window_span){.from = start, .until = start + window->duration}, range);
}

bool window_spans_add(struct window_spans *spans, const struct window *window,
                      struct window_span range) {
    if (window->always) {
        return window_spans_put(spans, range, range);
    }
    int64_t first = date_days_of_seconds(range.from) - window->duration / DATE_DAY_SECONDS - 3;
    int64_t last = date_days_of_seconds(range.until) + 2;
    for (int64_t day = first; day <= last; day++) {
        if (!window_starts_on(window, day)) {
            continue;
        }
        bool added = window->duration > 0 ? window_spans_put_elapsed(spans, window, day, range)
                                          : window_spans_put_wall(spans, window, day, range);
        if (!added) {
            return false;
        }
    }
    return true;
}
