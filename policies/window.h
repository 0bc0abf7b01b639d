/* A maintenance window or freeze (windows.md; interface.md section 2, "Windows"): the meaning of
 * its texts, and when it is open. Pure, except for reading the time zone's file. */
#ifndef LANDWAITER_POLICIES_WINDOW_H
#define LANDWAITER_POLICIES_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "policies/zone.h"

#define WINDOW_NAME_MAX 63
#define WINDOW_DURATION_MAX_DAYS 31

/* The written text of each member; NULL: not written. Borrowed. */
struct window_spec {
    const char *name;
    bool freeze;
    const char *const *days; /* "mon" to "sun" */
    size_t day_count;
    const char *nth;      /* "1" to "5", "last" */
    const char *start;    /* "HH:MM" */
    const char *end;      /* "HH:MM", "24:00" too; at or before start: the next day */
    const char *duration; /* "3h"; whole minutes, at most 31 days */
    const char *from;     /* "YYYY-MM-DD", inclusive local start dates */
    const char *to;
    const char *tz;
};

/* The place for the text of a member (`nth`, `start`, `end`, `duration`, `from`, `to`, `tz`), or
 * NULL for an unknown one. `days` is a list and has none. */
const char **window_spec_text(struct window_spec *spec, const char *member);

/* A plain value; borrows the zone from the store. Read-only: window_make fills it. */
struct window {
    char name[WINDOW_NAME_MAX + 1];
    bool freeze;
    bool always;              /* always open; ignore the rest */
    unsigned char days;       /* bit n: weekday n, 0 is Sunday */
    int nth;                  /* 0: any; 1 to 5; -1: last */
    int32_t start;            /* seconds of the local day */
    int32_t end;              /* seconds from the start day's midnight, over 86400 on the next day;
                                 0: by duration */
    int32_t duration;         /* elapsed seconds; 0: by end */
    int64_t from_day, to_day; /* day numbers (base/date.h), inclusive */
    const struct zone *zone;
};

struct window_fault {
    const char *member; /* the wrong member of the spec, "" for the whole; static */
    struct err err;
};

/* ERR_INVALID says what to write instead; ERR_GONE: no time zone database. A freeze without times
 * covers whole days and needs `from`, `to` or `days`. A window needs `start`, and `end` or
 * `duration`. */
bool window_make(const struct window_spec *spec, struct zone_store *zones, struct window *out,
                 struct window_fault *fault) MUST_USE;

/* The window named `always`. */
struct window window_always(void);

#define WINDOW_SECOND_MAX INT64_C(253402300799) /* the end of the year 9999 */

/* The second of a millisecond, clamped to the years of calendars: windows change only at whole
 * seconds. */
int64_t window_second(int64_t now_ms);
/* Is the window open, or the freeze in force, at that instant (milliseconds since 1970)? */
bool window_open_at(const struct window *window, int64_t now_ms) MUST_USE;

/* Half-open stretches in seconds since 1970. */
struct window_span {
    int64_t from, until;
};

struct window_spans {
    struct window_span *items;
    size_t count, capacity;
};

#define WINDOW_SPANS_INIT                                                                          \
    { .items = NULL, .count = 0, .capacity = 0 }

void window_spans_release(struct window_spans *spans);
/* Appends the open stretches within `range`, cut to it. Nearly sorted; may overlap. False: out of
 * memory. */
bool window_spans_add(struct window_spans *spans, const struct window *window,
                      struct window_span range) MUST_USE;

#endif
