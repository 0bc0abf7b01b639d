/* Several windows and freezes together (windows.md): may an update start now, and if not, when?
 *
 * A schedule is worked out once for the coming years, so that a decision is a bisection. It never
 * changes after it is made; threads may share one. Times are milliseconds since 1970. */
#ifndef LANDWAITER_POLICIES_SCHEDULE_H
#define LANDWAITER_POLICIES_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "policies/window.h"

#define SCHEDULE_HORIZON_DAYS 800 /* nobody looks further ahead */
#define SCHEDULE_LIFE_DAYS 100    /* how long after `now` a schedule stays fast */
#define SCHEDULE_WINDOWS_MAX 512  /* windows and freezes together */

struct schedule_spec {
    const struct window *const *windows; /* open when one of them is; none: always open */
    size_t window_count;
    const struct window *const *freezes; /* closed when one of them is in force */
    size_t freeze_count;
    int64_t min_remaining_ms; /* do not start when less than this is left; 0: any */
};

struct schedule;

/* Copies the windows; their zones are borrowed and must outlive the schedule. ERR_INVALID: too many
 * windows. The caller frees *out. */
bool schedule_new(const struct schedule_spec *spec, int64_t now_ms, struct schedule **out,
                  struct err *err) MUST_USE;
void schedule_free(struct schedule *schedule);
/* For CLEANUP. */
void schedule_release(struct schedule **schedule);

struct schedule_verdict {
    bool open;
    int64_t opens_ms;  /* first instant strictly after now at which the whole goes from closed to
                          open; 0: not within 800 days */
    int64_t closes_ms; /* end of the present open stretch; 0: closed, or open for over 800 days */
    bool may_start;    /* open, and min_remaining is left */
    int64_t starts_ms; /* first instant from now on at which an update may start; 0: none within 800
                          days */
    char because[320]; /* one clause for people, without a full stop */
};

/* Any now: where it lies before the making of the schedule or more than SCHEDULE_LIFE_DAYS after it
 * the answer is the same, but takes milliseconds (make a new one now and then). Out of memory is
 * closed. */
struct schedule_verdict schedule_decide(const struct schedule *schedule, int64_t now_ms);

#endif
