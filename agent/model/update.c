/* Copies and releases updates. */
#include "agent/model/update.h"

#include <stdlib.h>

void update_order_release(struct update_order *order) {
    free(order->depends_on);
    order->depends_on = NULL;
}

bool update_order_copy(const struct update_order *order, struct update_order *out) {
    char *names = order->depends_on ? strdup(order->depends_on) : NULL;
    if (order->depends_on && !names) {
        return false;
    }
    *out = *order;
    out->depends_on = names;
    return true;
}

void update_release(struct update *update) {
    update_order_release(&update->order);
    free(update->journal);
    update->journal = NULL;
}

void updates_release(struct updates *updates) {
    for (size_t i = 0; i < updates->count; i++) {
        update_release(&updates->items[i]);
    }
    free(updates->items);
    *updates = (struct updates){0};
}

void update_others_release(struct update_others *others) {
    for (size_t i = 0; i < others->count; i++) {
        update_order_release(&others->items[i].order);
    }
    free(others->items);
    *others = (struct update_others){0};
}
