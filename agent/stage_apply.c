/* The stages that touch a target: apply (the driver's steps, forwards), observe, settle (commit, or
 * the steps backwards).
 *
 * The step reached is stored before it runs, so that after a crash the same step is run or undone
 * again; the driver's steps look at what is really there. */
#include "agent/crashpoint.h"
#include "agent/gate.h"
#include "agent/id.h"
#include "agent/metrics.h"
#include "agent/pipeline.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"

#define APPLY_DOWN "down_ms" /* in the journal: since when the target is down */
#define APPLY_TRIES 8        /* failures for now of one step before it is undone: about a minute */

static const struct outcome_backoff apply_forward = {.first_ms = 500, .most_ms = 15 * 1000};
static const struct outcome_backoff apply_back = {.first_ms = 500, .most_ms = 30 * 1000};

/* ---- settings as they were when it began: the labels may change under way ---- */

static void apply_keep_settings(struct store_update *update, const struct settings *settings) {
    json_t *written = json_array(); /* by name: the keys' numbers differ from version to version */
    for (int key = 0; key < SETTINGS_KEYS; key++) {
        if (settings->sources[key].written) {
            (void)json_array_append_new(written, json_string(settings_table[key].key));
        }
    }
    (void)json_object_set_new(
        update->journal, "settings",
        json_pack("{sI sI sb sI so}", "health_timeout", (json_int_t)settings->health_timeout_ms,
                  "soak", (json_int_t)settings->soak_ms, "rollback", settings->rollback ? 1 : 0,
                  "stop_timeout", (json_int_t)settings->stop_timeout_ms, "written", written));
}

static bool apply_kept_written(const json_t *kept, const char *key) {
    size_t i = 0;
    json_t *item = NULL;
    json_array_foreach(json_array_member(kept, "written"), i, item) {
        const char *name = json_string_value(item);
        if (name && strcmp(name, key) == 0) {
            return true;
        }
    }
    return false;
}

static void apply_kept_settings(const struct store_update *update, struct settings *out) {
    const json_t *kept = json_object_member(update->journal, "settings");
    out->health_timeout_ms = json_int(kept, "health_timeout", out->health_timeout_ms);
    out->soak_ms = json_int(kept, "soak", out->soak_ms);
    out->rollback = json_bool(kept, "rollback", out->rollback);
    out->stop_timeout_ms = json_int(kept, "stop_timeout", out->stop_timeout_ms);
    for (int key = 0; key < SETTINGS_KEYS; key++) {
        out->sources[key].written = apply_kept_written(kept, settings_table[key].key);
    }
}

struct apply_task {
    struct platform_task task;
    char id[ID_TEXT_SIZE];
    char by[STORE_NAME_SIZE + 16];
};

static const struct platform *apply_begin(struct pipeline *pipeline, struct store_update *update,
                                          struct apply_task *out) {
    pipeline_task(pipeline, update, &out->task);
    out->task.update = id_text("upd", update->id, out->id);
    apply_kept_settings(update, &out->task.settings);
    return platform_of(update->target);
}

/* For steps: they may tell whose push it is. */
static const struct platform *
apply_begin_step(struct pipeline *pipeline, struct store_update *update, struct apply_task *out) {
    struct store_push push = {0};
    if (store_push_find(pipeline->store, update->push, &push, NULL)) {
        (void)snprintf(out->by, sizeof out->by, "sender %s", push.sender);
        store_push_release(&push);
    } else {
        out->by[0] = '\0';
    }
    const struct platform *platform = apply_begin(pipeline, update, out);
    out->task.by = out->by;
    return platform;
}

static size_t apply_index(const struct platform *platform, const char *step) {
    size_t i = 0;
    while (platform->steps[i].name && strcmp(platform->steps[i].name, step) != 0) {
        i++;
    }
    return platform->steps[i].name ? i : 0;
}

/* The first step that takes the target down. */
static size_t apply_first_down(const struct platform *platform) {
    size_t i = 0;
    while (platform->steps[i].name && !platform->steps[i].down) {
        i++;
    }
    return i;
}

static bool apply_settled(const struct pipeline *pipeline, struct err *err) {
    return !pipeline->settled || pipeline->settled(pipeline->context, err);
}

/* The first of those that take the target down tells since when it is. */
static void apply_note_down(struct store_update *update, const struct platform_step *step) {
    if (!step->patient && !json_object_get(update->journal, APPLY_DOWN)) {
        (void)json_object_set_new(update->journal, APPLY_DOWN, json_integer(clock_now_ms()));
    }
    (void)json_object_set_new(update->journal, "stopped", json_true());
}

static void apply_measure_downtime(const struct store_update *update,
                                   const struct platform *platform) {
    int64_t since_ms = json_int(update->journal, APPLY_DOWN, 0);
    if (since_ms) {
        metrics_measure(METRIC_DOWNTIME, platform->name, clock_now_ms() - since_ms);
    }
}

/* Stores that a step is about to run or to be undone; with several replicas, also where a successor
 * finds it. Only the step that takes the target down, and
 * what comes before it, must be stored: while the target is down a full disk holds up nothing, as
 * what follows is found by looking. False: it may not run. */
static bool apply_journal(struct pipeline *pipeline, struct store_update *update,
                          const struct platform_step *step, struct err *err) {
    const struct platform *platform = platform_of(update->target);
    bool needed = !update->back && step <= &platform->steps[apply_first_down(platform)];
    (void)snprintf(update->step, sizeof update->step, "%s", step->name);
    if (step->down && !update->back) {
        apply_note_down(update, step);
    }
    char detail[STORE_REASON_SIZE];
    (void)snprintf(detail, sizeof detail, "%s%s", update->back ? "back: " : "", step->what);
    struct store_event event = {
        .event = update->back ? "undo" : "step", .detail = detail, .fast = step->down && !needed};
    crashpoint("before a step is stored");
    enum store_change change = store_update_save(pipeline->store, update, &event, err);
    crashpoint("after a step is stored");
    if (change == STORE_LOST) {
        return err_set(err, ERR_TRANSIENT, "the update was changed while it was being applied");
    }
    if (change == STORE_FAILED && !needed) {
        log_event(LOG_ERROR, "store.failed", "reason", err->message, NULL);
    }
    if (change != STORE_CHANGED && needed) {
        return false;
    }
    return apply_settled(pipeline, err);
}

/* ---- not now after all ---- */

/* Back to an earlier stage: nothing of it has touched the target, or all of that is undone. By now
 * a newer push may wait for the same target, which could not take its place before. */
static struct outcome apply_turn_back(struct pipeline *pipeline, struct store_update *update,
                                      const char *stage, const char *why) {
    int64_t other = 0;
    struct err err = ERR_INIT;
    if (!store_open_other(pipeline->store, update, &other, &err)) {
        return outcome_again(update, &apply_back, &err);
    }
    if (other > update->id) {
        return outcome_drop("superseded", "a newer push of it came meanwhile");
    }
    (void)snprintf(update->stage, sizeof update->stage, "%s", stage);
    return outcome_wait(0, "%s", why);
}

/* What stands between a restart, or a step that failed for now, and the stop of the old container
 * may have taken any time: the window may be closed by now, and the registry's word be old. True:
 * on it goes; else *stage is where it has to begin again, "" where that cannot be told now. */
static bool apply_still(struct pipeline *pipeline, struct store_update *update,
                        const struct platform_target *target, const char **stage, struct err *err) {
    struct gate_verdict gate = {0};
    *stage = "";
    if (!gate_ask(pipeline, update, target, &gate, err)) {
        return false;
    }
    if (gate.answer != GATE_OPEN) {
        *stage = "gate";
        return err_set(err, ERR_TRANSIENT, "%s", gate.reason);
    }
    if (!gate_fresh(update)) {
        *stage = "policy";
        return err_set(err, ERR_TRANSIENT, "it was interrupted: the registry is asked again");
    }
    return true;
}

/* ---- apply ---- */

/* Before the first step: is the target still what the earlier stages looked at? */
static struct outcome apply_recheck(struct pipeline *pipeline, struct store_update *update,
                                    const struct platform *platform) {
    struct platform_target target = {0};
    struct outcome unwanted = {0};
    struct err err = ERR_INIT;
    if (!stage_target(pipeline, update, &target, &unwanted)) {
        return unwanted;
    }
    if (strcmp(target.running, update->to) == 0) {
        return outcome_drop("unchanged", "it already runs that digest");
    }
    int64_t before = 0;
    if (store_rejected(pipeline->store, update->target, update->to, &before)) {
        return outcome_drop("denied", "this digest was rolled back here meanwhile");
    }
    const char *stage = "";
    if (!apply_still(pipeline, update, &target, &stage, &err)) {
        return stage[0] ? apply_turn_back(pipeline, update, stage, err.message)
                        : outcome_again(update, &apply_back, &err);
    }
    apply_keep_settings(update, &target.settings);
    struct platform_task task;
    pipeline_task(pipeline, update, &task);
    if (!platform->check(&task, &err)) {
        return err.kind == ERR_TRANSIENT ? outcome_again(update, &apply_back, &err)
                                         : outcome_fail("nothing was touched: %.280s", err.message);
    }
    return outcome_next("begin");
}

/* That a step is about to change the target is stored before it does: whether it did, the target
 * may tell. False: not now. */
static bool apply_begun(struct pipeline *pipeline, struct store_update *update, bool *in_out,
                        struct err *err) {
    const struct platform *platform = platform_of(update->target);
    struct platform_task task;
    if (!*in_out || !platform->begun) {
        return true;
    }
    pipeline_task(pipeline, update, &task);
    if (!platform->begun(&task, in_out, err)) {
        return false;
    }
    if (!*in_out) {
        (void)json_object_del(update->journal, "stopped");
        (void)json_object_del(update->journal, APPLY_DOWN);
    }
    return true;
}

/* Begun before, and interrupted. Until the old container is stopped nothing is lost by waiting for
 * the next window: what was made is undone, and it begins again there. */
static struct outcome apply_resume(struct pipeline *pipeline, struct store_update *update,
                                   const struct platform *platform) {
    struct platform_target target = {0};
    struct err err = ERR_INIT;
    const char *stage = "";
    bool begun = json_bool(update->journal, "stopped", false);
    if (!apply_begun(pipeline, update, &begun, &err)) {
        return outcome_again(update, &apply_back, &err);
    }
    if (begun) {
        return outcome_next("goes on");
    }
    if (!platform->find(&pipeline->session, update->target, &target, &err)) {
        /* Gone, or no longer what it was: the steps find that out and say so. */
        return err.kind == ERR_TRANSIENT ? outcome_again(update, &apply_back, &err)
                                         : outcome_next("goes on");
    }
    if (apply_still(pipeline, update, &target, &stage, &err)) {
        return outcome_next("goes on");
    }
    if (!stage[0]) {
        return outcome_again(update, &apply_back, &err);
    }
    (void)json_object_set_new(update->journal, "return", json_string(stage));
    return outcome_undo("%s", err.message);
}

static struct outcome apply_failed(struct store_update *update, const struct platform_step *step,
                                   const struct err *err) {
    if (err->kind == ERR_TRANSIENT && (step->patient || update->attempts < APPLY_TRIES)) {
        return outcome_again(update, &apply_forward, err);
    }
    return outcome_undo("could not %s: %.250s", step->what, err->message);
}

struct outcome stage_apply(struct pipeline *pipeline, struct store_update *update) {
    const struct platform *platform = platform_of(update->target);
    struct outcome begin = update->step[0] ? apply_resume(pipeline, update, platform)
                                           : apply_recheck(pipeline, update, platform);
    if (begin.verdict != VERDICT_NEXT) {
        return begin;
    }
    struct apply_task apply;
    (void)apply_begin_step(pipeline, update, &apply);
    /* Begun before: after a reboot the engine may have started what was stopped, so all that is
     * done while the target is down is looked at again. */
    size_t first = update->step[0] ? apply_index(platform, update->step) : 0;
    size_t down = apply_first_down(platform);
    first = first > down ? down : first;
    for (const struct platform_step *step = &platform->steps[first]; step->name; step++) {
        struct err err = ERR_INIT;
        if (!apply_journal(pipeline, update, step, &err)) {
            return outcome_again(update, &apply_forward, &err);
        }
        bool done = step->run(&apply.task, &err);
        crashpoint("after a step has run");
        if (!done) {
            return apply_failed(update, step, &err);
        }
        update->attempts = 0;
    }
    apply_measure_downtime(update, platform);
    return outcome_next("swapped");
}

/* ---- observe ---- */

struct outcome stage_observe(struct pipeline *pipeline, struct store_update *update) {
    struct apply_task apply;
    const struct platform *platform = apply_begin(pipeline, update, &apply);
    struct platform_observation seen = {.health = PLATFORM_PENDING, .again_ms = 1000};
    struct err err = ERR_INIT;
    if (!platform->observe(&apply.task, &seen, &err)) {
        if (err.kind == ERR_TRANSIENT) {
            return outcome_again(update, &apply_back, &err);
        }
        seen.health = PLATFORM_UNHEALTHY;
        (void)snprintf(seen.reason, sizeof seen.reason, "%.300s", err.message);
    }
    switch (seen.health) {
    case PLATFORM_PENDING:
        return outcome_wait(seen.again_ms, "%s", seen.reason);
    case PLATFORM_HEALTHY:
        (void)json_object_set_new(update->journal, "good", json_text_or_null(seen.reason));
        return outcome_next("%s", seen.reason);
    case PLATFORM_OVERTAKEN:
        return outcome_drop(seen.result, "%s", seen.reason);
    case PLATFORM_UNHEALTHY:
    default:
        break;
    }
    if (apply.task.settings.rollback) {
        return outcome_undo("%s", seen.reason);
    }
    (void)json_object_set_new(update->journal, "why", json_text_or_null(seen.reason));
    return outcome_next("%.280s (rollback is off)", seen.reason);
}

/* ---- settle ---- */

static struct outcome settle_commit(struct pipeline *pipeline, struct store_update *update) {
    struct apply_task apply;
    const struct platform *platform = apply_begin(pipeline, update, &apply);
    struct err err = ERR_INIT;
    bool done = platform->commit(&apply.task, &err);
    crashpoint("after the commit");
    if (!done && err.kind == ERR_TRANSIENT) {
        return outcome_again(update, &apply_back, &err);
    }
    const char *why = json_text(update->journal, "why");
    if (why) {
        return outcome_fail("%.200s; rollback is off, so the new one was left as it is", why);
    }
    const char *good = json_text(update->journal, "good");
    if (!done) {
        log_event(LOG_WARNING, "update.leftover", "target", update->target, "reason", err.message,
                  NULL);
    }
    struct outcome outcome = outcome_next("%s", good ? good : "updated");
    outcome.result = "updated";
    return outcome;
}

/* All is as it was before it began, and it waits for its turn again. */
static struct outcome settle_return(struct pipeline *pipeline, struct store_update *update,
                                    const char *why) {
    char stage[STORE_STAGE_SIZE];
    char reason[STORE_REASON_SIZE];
    (void)snprintf(stage, sizeof stage, "%s", json_text(update->journal, "return"));
    (void)snprintf(reason, sizeof reason, "%s", why);
    struct outcome outcome = apply_turn_back(pipeline, update, stage, reason);
    if (strcmp(update->stage, stage) == 0) {
        static const char *const done[] = {"return", "why", "settings", "driver", APPLY_DOWN};
        for (size_t i = 0; i < ARRAY_LENGTH(done); i++) {
            (void)json_object_del(update->journal, done[i]);
        }
        update->step[0] = '\0';
        update->back = false;
        update->attempts = 0;
    }
    return outcome;
}

static struct outcome settle_put_back(struct pipeline *pipeline, struct store_update *update) {
    const char *why = json_text(update->journal, "why");
    const char *problem = json_text(update->journal, "problem");
    const char *untouched =
        json_text(json_object_member(update->journal, "driver"), PLATFORM_UNTOUCHED);
    why = why ? why : "it failed";
    if (!problem && json_text(update->journal, "return")) {
        return settle_return(pipeline, update, why);
    }
    if (untouched) {
        struct outcome outcome = outcome_fail("%.300s", why);
        outcome.result = untouched;
        return outcome;
    }
    if (problem) {
        return outcome_fail("%.150s; and not all could be put back: %.150s", why, problem);
    }
    if (!json_bool(update->journal, "stopped", false)) {
        return outcome_fail("%.300s", why);
    }
    struct err err = ERR_INIT;
    if (!store_reject(pipeline->store, update, &err)) {
        return outcome_again(update, &apply_back, &err);
    }
    struct outcome outcome = outcome_fail("%.300s", why);
    outcome.result = "rolled-back";
    return outcome;
}

/* Undoes one step. True: go on with the one before; false: *out is what to answer. */
static bool settle_undo(struct pipeline *pipeline, struct store_update *update,
                        const struct platform_step *step, struct outcome *out) {
    struct apply_task apply;
    struct err err = ERR_INIT;
    (void)apply_begin_step(pipeline, update, &apply);
    if (!apply_journal(pipeline, update, step, &err)) {
        *out = outcome_again(update, &apply_back, &err);
        return false;
    }
    bool done = !step->undo || step->undo(&apply.task, &err);
    crashpoint("after a step is undone");
    if (!done && err.kind == ERR_TRANSIENT) {
        *out = outcome_again(update, &apply_back, &err);
        return false;
    }
    if (!done) {
        /* The rest is still undone: as much of what was there as can be. */
        char problem[STORE_REASON_SIZE];
        (void)snprintf(problem, sizeof problem, "%.300s", err.message);
        (void)json_object_set_new(update->journal, "problem", json_text_or_null(problem));
    }
    update->attempts = 0;
    return true;
}

struct outcome stage_settle(struct pipeline *pipeline, struct store_update *update) {
    if (!update->back) {
        return settle_commit(pipeline, update);
    }
    const struct platform *platform = platform_of(update->target);
    struct outcome outcome = {0};
    for (size_t i = apply_index(platform, update->step) + 1; i > 0; i--) {
        if (!settle_undo(pipeline, update, &platform->steps[i - 1], &outcome)) {
            return outcome;
        }
    }
    return settle_put_back(pipeline, update);
}
