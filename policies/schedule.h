/* Combined windows and freezes (windows.md): may an update start now, and if not, when?
 *
 * A schedule precomputes the coming years, so that a decision is a bisection. Immutable; threads
 * may share one. Times are milliseconds since 1970. */
#ifndef LANDWAITER_POLICIES_SCHEDULE_H
#define LANDWAITER_POLICIES_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "policies/window.h"

#define SCHEDULE_HORIZON_DAYS 800 /* horizon of every answer */
#define SCHEDULE_LIFE_DAYS 100    /* decisions stay fast this long after `now` */
#define SCHEDULE_WINDOWS_MAX 512  /* of windows and freezes together */

struct schedule_spec {
    const struct window *const *windows; /* open if any is open; none: always open */
    size_t window_count;
    const struct window *const *freezes; /* closed while any is in force */
    size_t freeze_count;
    int64_t min_remaining_ms; /* required rest of an open stretch; 0: any */
};

struct schedule;

/* Copies the windows; borrows their zones, which must outlive the schedule. ERR_INVALID: too many
 * windows. The caller frees *out. */
bool schedule_new(const struct schedule_spec *spec, int64_t now_ms, struct schedule **out,
                  struct err *err) MUST_USE;
void schedule_free(struct schedule *schedule);
/* For CLEANUP. */
void schedule_release(struct schedule **schedule);

struct schedule_verdict {
    bool open;
    int64_t opens_ms;  /* first change from closed to open after now; 0: not within 800 days */
    int64_t closes_ms; /* end of the present open stretch; 0: closed, or open for over 800 days */
    bool may_start;    /* open, with min_remaining left */
    /* first instant from now on when an update may start; 0: none within 800 days */
    int64_t starts_ms;
    char because[320]; /* one clause for people, without a full stop */
};

/* Accepts any now, but takes milliseconds before the schedule was made or more than
 * SCHEDULE_LIFE_DAYS after, so renew it before then. Closed if out of memory. */
struct schedule_verdict schedule_decide(const struct schedule *schedule, int64_t now_ms);

#endif
