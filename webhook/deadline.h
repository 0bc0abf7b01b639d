/* Deadlines: each list has those of one length, so that the order of arming is sorted, and arming
 * and disarming take constant time. */
#ifndef LANDWAITER_WEBHOOK_DEADLINE_H
#define LANDWAITER_WEBHOOK_DEADLINE_H

#include <stdint.h>

struct deadline_list;

struct deadline {
    struct deadline_list *list; /* with at_ms */
    struct deadline *previous, *next;
    int64_t at_ms; /* CLOCK_BOOTTIME; 0: not armed */
};

struct deadline_list {
    struct deadline *first, *last;
};

/* Moves the deadline to the end of that list. at_ms > 0, and never before an earlier one. */
void deadline_arm(struct deadline_list *list, struct deadline *deadline, int64_t at_ms);
void deadline_disarm(struct deadline *deadline);

#endif
