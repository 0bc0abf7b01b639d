/* Deadlines that all have the same length, so that a list in the order of arming is sorted: arming
 * and disarming cost nothing. */
#ifndef LANDWAITER_WEBHOOK_DEADLINE_H
#define LANDWAITER_WEBHOOK_DEADLINE_H

#include <stdint.h>

struct deadline {
    struct deadline *previous, *next;
    int64_t at_ms; /* CLOCK_BOOTTIME; 0: not armed */
};

struct deadline_list {
    struct deadline *first, *last;
};

/* Moves it to the end of the list, with another time. at_ms > 0 and never before an earlier one. */
void deadline_arm(struct deadline_list *list, struct deadline *deadline, int64_t at_ms);
void deadline_disarm(struct deadline_list *list, struct deadline *deadline);

#endif
