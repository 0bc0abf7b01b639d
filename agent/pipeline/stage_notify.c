/* notify: wakes the updates that wait for an ended one. The engine logs the end; there are no other
 * notices yet. */
#include "agent/pipeline/stage.h"

struct outcome stage_notify(struct pipeline *pipeline, const struct update *update,
                            struct notes *notes) {
    (void)update;
    (void)notes;
    store_wake_gate(pipeline->store, STORE_WAKE_WAITING_FOR_OTHERS);
    if (pipeline->changed) {
        pipeline->changed(pipeline->context);
    }
    return outcome_next("told");
}
