/* notify: wakes the updates that wait for an ended one. So far only the engine reports the end, to
 * the log. */
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
