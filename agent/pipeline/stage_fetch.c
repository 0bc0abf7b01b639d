/* fetch: brings the bytes before the window opens. */
#include "agent/pipeline/judge.h"
#include "agent/pipeline/stage.h"
#include "agent/pipeline/task.h"
#include "agent/platforms/table.h"

#define FETCH_AWAY_MS (INT64_C(6) * 60 * 60 * 1000) /* a pull may fail transiently for this long */

bool stage_fetch_quick(const struct update *update) {
    const struct platform *platform = platform_of(update->target);
    return platform && !platform->fetch;
}

struct outcome stage_fetch(struct pipeline *pipeline, const struct update *update,
                           struct notes *notes) {
    struct target target = {0};
    /* The target may have been re-created during the wait for the registry. */
    struct outcome found = judge_find(pipeline, update, notes, &target);
    if (found.verdict != VERDICT_NEXT) {
        return found;
    }
    const struct platform *platform = platform_of(update->target);
    enum platform_fetched fetched = PLATFORM_FETCHED;
    struct task task;
    struct err err = ERR_INIT;
    task_begin(pipeline, update, notes, &task);
    if (platform->check(&task.task, &err) &&
        (!platform->fetch || platform->fetch(&task.task, &fetched, &err))) {
        return fetched == PLATFORM_SAME
                   ? outcome_drop(RESULT_UNCHANGED, "it already runs that content")
                   : outcome_next("fetched");
    }
    return err.kind == ERR_TRANSIENT ? judge_retry(update, notes, &err, FETCH_AWAY_MS)
                                     : outcome_fail("nothing was touched: %.280s", err.message);
}
