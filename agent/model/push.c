/* Releases pushes. */
#include "agent/model/push.h"

#include <stdlib.h>

void push_release(struct push *push) {
    free(push->meta);
    push->meta = NULL;
}

void pushes_release(struct pushes *pushes) {
    for (size_t i = 0; i < pushes->count; i++) {
        push_release(&pushes->items[i]);
    }
    free(pushes->items);
    *pushes = (struct pushes){0};
}
