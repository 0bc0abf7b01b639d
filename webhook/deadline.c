/* Deadlines: owns the list's links, not the entries. */
#include "webhook/deadline.h"

#include <stddef.h>

void deadline_disarm(struct deadline *deadline) {
    if (deadline->at_ms == 0) {
        return;
    }
    struct deadline_list *list = deadline->list;
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
    deadline_disarm(deadline);
    *deadline = (struct deadline){.list = list, .previous = list->last, .at_ms = at_ms};
    if (list->last) {
        list->last->next = deadline;
    } else {
        list->first = deadline;
    }
    list->last = deadline;
}
