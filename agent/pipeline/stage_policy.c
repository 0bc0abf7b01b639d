/* policy: does this target want that tag? */
#include "agent/pipeline/judge.h"
#include "agent/pipeline/stage.h"

struct outcome stage_policy(struct pipeline *pipeline, const struct update *update,
                            struct notes *notes) {
    struct target target = {0};
    struct outcome outcome = judge_find(pipeline, update, notes, &target);
    if (outcome.verdict == VERDICT_NEXT) {
        notes_order(notes, &target); /* other updates may be at the gate before it */
    }
    return outcome;
}
