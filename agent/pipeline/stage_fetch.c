/* fetch: brings the bytes before the window opens. */
#include "agent/pipeline/judge.h"
#include "agent/pipeline/stage.h"
#include "agent/pipeline/task.h"
#include "agent/platforms/table.h"
#include "base/clock.h"

#define FETCH_AWAY_MS (INT64_C(6) * 60 * 60 * 1000) /* a pull may fail transiently for this long */

static const struct judge_waiting waiting = {.work = HOSTS_FETCH, .limit_ms = FETCH_AWAY_MS};

bool stage_fetch_quick(const struct update *update) {
    const struct platform *platform = platform_of(update->target);
    return platform && !platform->fetch;
}

/* Times the fetch, for the host's sake. */
static bool fetch(const struct pipeline *pipeline, const struct update *update,
                  struct platform_task *task, enum platform_fetched *out, struct err *err) {
    const struct platform *platform = platform_of(update->target);
    int64_t began_ms = clock_boot_ms();
    if (!platform->fetch) {
        return true;
    }
    bool good = platform->fetch(task, out, err);
    const struct hosts_exchange exchange = {.host = update->image.host,
                                            .work = HOSTS_FETCH,
                                            .took_ms = clock_boot_ms() - began_ms,
                                            .err = good ? NULL : err};
    hosts_note(pipeline->hosts, &exchange);
    return good;
}

static struct outcome failed(const struct pipeline *pipeline, const struct update *update,
                             struct notes *notes, const struct err *err) {
    if (err->kind != ERR_TRANSIENT) {
        return outcome_fail("nothing was touched: %.280s", err->message);
    }
    const struct outcome host = judge_host(pipeline, update, notes, &waiting);
    return host.verdict == VERDICT_NEXT ? judge_retry(update, notes, err, FETCH_AWAY_MS) : host;
}

struct outcome stage_fetch(struct pipeline *pipeline, const struct update *update,
                           struct notes *notes) {
    struct target target = {0};
    const struct outcome host = stage_fetch_quick(update)
                                    ? outcome_next("nothing to fetch")
                                    : judge_host(pipeline, update, notes, &waiting);
    if (host.verdict != VERDICT_NEXT) {
        return host;
    }
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
    if (platform->check(&task.task, &err) && fetch(pipeline, update, &task.task, &fetched, &err)) {
        return fetched == PLATFORM_SAME
                   ? outcome_drop(RESULT_UNCHANGED, "it already runs that content")
                   : outcome_next("fetched");
    }
    return failed(pipeline, update, notes, &err);
}
