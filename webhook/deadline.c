/* Deadlines: owns the list's links, not the entries. */
#include "webhook/deadline.h"

#include <stddef.h>

void deadline_disarm(struct deadline_list *list, struct deadline *deadline) {
    if (deadline->at_ms == 0) {
        return;
    }
    if (deadline->previous) {
        deadline->previous->next = deadline->next;
    } else {
        list->first = deadline->next;
    }
    if (deadline->next) {
        deadline->next->previous = deadline->previous;
    } else {
        list->last = deadline->previous;
    }
    *deadline = (struct deadline){0};
}

void deadline_arm(struct deadline_list *list, struct deadline *deadline, int64_t at_ms) {
    deadline_disarm(list, deadline);
    *deadline = (struct deadline){.previous = list->last, .next = NULL, .at_ms = at_ms};
    if (list->last) {
        list->last->next = deadline;
    } else {
        list->first = deadline;
    }
    list->last = deadline;
}
