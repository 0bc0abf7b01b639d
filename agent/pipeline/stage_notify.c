/* notify: wakes what waits for an update that has ended. The engine tells the log; nobody else is
 * told yet. */
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
