/* observe: does the new version start and stay up? */
#include "agent/pipeline/stage.h"
#include "agent/pipeline/swap.h"
#include "agent/pipeline/task.h"
#include "agent/platforms/table.h"

#define LOOK_MS 1000

static struct outcome unhealthy(const struct task *task, struct notes *notes,
                                const struct platform_observation *seen) {
    if (task->task.settings.rollback) {
        return outcome_undo("%s", seen->reason);
    }
    (void)snprintf(notes->why, sizeof notes->why, "%s", seen->reason);
    return outcome_next("%.280s (rollback is off)", seen->reason);
}

struct outcome stage_observe(struct pipeline *pipeline, const struct update *update,
                             struct notes *notes) {
    struct task task;
    struct platform_observation seen = {.health = PLATFORM_PENDING, .again_ms = LOOK_MS};
    struct err err = ERR_INIT;
    task_begin(pipeline, update, notes, &task);
    if (!platform_of(update->target)->observe(&task.task, &seen, &err)) {
        if (err.kind == ERR_TRANSIENT) {
            return outcome_again(update, &swap_backoff, &err);
        }
        seen.health = PLATFORM_UNHEALTHY;
        (void)snprintf(seen.reason, sizeof seen.reason, "%.300s", err.message);
    }
    switch (seen.health) {
    case PLATFORM_PENDING:
        return outcome_wait(seen.again_ms, "%s", seen.reason);
    case PLATFORM_HEALTHY:
        (void)snprintf(notes->good, sizeof notes->good, "%s", seen.reason);
        return outcome_next("%s", seen.reason);
    case PLATFORM_OVERTAKEN:
        return outcome_drop(seen.result, "%s", seen.reason);
    case PLATFORM_UNHEALTHY:
    default:
        return unhealthy(&task, notes, &seen);
    }
}
