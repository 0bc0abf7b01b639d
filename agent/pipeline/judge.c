/* Judges targets. Owns the time limits for registries and engines; stores nothing. */
#include "agent/pipeline/judge.h"

#include "agent/model/id.h"
#include "agent/pipeline/task.h"
#include "agent/platforms/table.h"
#include "base/clock.h"

static const struct outcome_backoff away = {.first_ms = 2000, .most_ms = INT64_C(5) * 60 * 1000};

struct outcome judge_retry(const struct update *update, struct notes *notes, const struct err *err,
                           int64_t limit_ms) {
    int64_t now = clock_now_ms();
    if (update->attempts == 0 || !notes->away_ms) {
        notes->away_ms = now;
    }
    if (now - notes->away_ms > limit_ms) {
        char waited[CLOCK_TEXT_SIZE];
        return outcome_fail("gave up after %s: %s", clock_duration_text(limit_ms, waited),
                            err->message);
    }
    return outcome_again(update, &away, err);
}

struct outcome judge_host(const struct pipeline *pipeline, const struct update *update,
                          struct notes *notes, const struct judge_waiting *waiting) {
    struct err why = ERR_INIT;
    struct err told = ERR_INIT;
    const char *host = update->image.host;
    int64_t wait_ms = hosts_wait_ms(pipeline->hosts, host, waiting->work, &why);
    if (wait_ms == 0) {
        return outcome_next("%s may be asked", host);
    }
    (void)err_set(&told, ERR_TRANSIENT, "%s is asked less often until it answers in time: %s", host,
                  why.message);
    struct outcome outcome = judge_retry(update, notes, &told, waiting->limit_ms);
    outcome.wait_ms = wait_ms; /* the host's time, not this update's */
    return outcome;
}

struct outcome judge_target(const struct ref *image, const struct target *target) {
    char name[REF_NAME_SIZE];
    if (target->image.path[0] && !ref_same_repository(&target->image, image)) {
        return outcome_drop(RESULT_CANCELLED, "it runs another image now: %.250s",
                            ref_name(&target->image, name));
    }
    if (target->problem[0]) {
        return target->stopped ? outcome_drop(RESULT_UNCHANGED, "%s", target->problem)
                               : outcome_fail("left alone: %s", target->problem);
    }
    if (!target->enabled) {
        return outcome_drop(RESULT_CANCELLED, "it is not opted in any more");
    }
    const struct policy *policy = &target->settings.policy;
    struct policy_verdict verdict = policy_decide(policy, target->image.tag, image->tag);
    return verdict.wanted ? outcome_next("policy %s", policy_name(policy))
                          : outcome_drop(RESULT_UNCHANGED, "%s", verdict.reason);
}

struct outcome judge_find(struct pipeline *pipeline, const struct update *update,
                          struct notes *notes, struct target *out_target) {
    const struct platform *platform = platform_of(update->target);
    if (!platform || !platform->configured(pipeline->session.config)) {
        return outcome_drop(RESULT_CANCELLED, "its platform is not configured any more");
    }
    struct err err = ERR_INIT;
    if (!platform->find(&pipeline->session, update->target, out_target, &err)) {
        switch (err.kind) {
        case ERR_GONE:
            return outcome_drop(RESULT_CANCELLED, "it does not exist any more");
        case ERR_TRANSIENT:
            return judge_retry(update, notes, &err, JUDGE_AWAY_MS);
        default:
            return outcome_fail("%s", err.message);
        }
    }
    struct outcome outcome = judge_target(&update->image, out_target);
    if (outcome.verdict == VERDICT_NEXT) {
        memcpy(notes->from, out_target->running, sizeof notes->from);
        memcpy(notes->instance, out_target->instance, sizeof notes->instance);
    }
    return outcome;
}

struct outcome judge_digest(const struct pipeline *pipeline, const struct update *update,
                            const struct notes *notes) {
    if (strcmp(notes->to, notes->from) == 0) {
        return outcome_drop(RESULT_UNCHANGED, "it already runs that digest");
    }
    int64_t before = 0;
    if (store_rejected(pipeline->store, update->target, notes->to, &before)) {
        char id[ID_TEXT_SIZE];
        (void)id_text("upd", before, id);
        return outcome_drop(RESULT_DENIED,
                            "this digest was rolled back here before (%s): push a fixed image, or "
                            "`landwaiter retry %s` to try it again",
                            id, id);
    }
    return outcome_next("%s is %s", update->image.tag, notes->to);
}

struct outcome judge_possible(struct pipeline *pipeline, const struct update *update,
                              struct notes *notes, const struct target *target) {
    struct task task;
    struct err err = ERR_INIT;
    task_begin(pipeline, update, notes, &task);
    task.task.settings = target->settings;
    if (platform_of(update->target)->check(&task.task, &err)) {
        return outcome_next("possible");
    }
    return err.kind == ERR_TRANSIENT ? outcome_again(update, &away, &err)
                                     : outcome_fail("nothing was touched: %.280s", err.message);
}
