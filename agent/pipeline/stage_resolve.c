/* resolve: which digest does the tag have now? Decides whether the tag has moved on or the registry
 * lags behind the push. */
#include "agent/pipeline/judge.h"
#include "agent/pipeline/stage.h"
#include "base/clock.h"

#define LAG_MS (15 * 60 * 1000) /* a registry may lag behind a push for this long */
#define SHARED_MS 10000         /* the maximum age of a shared answer */
#define SHARED_AGAIN_MS 800     /* at a retry: less than the shortest wait */

static const struct judge_waiting waiting = {.work = HOSTS_RESOLVE, .limit_ms = JUDGE_AWAY_MS};
static const struct outcome_backoff lag = {.first_ms = 1000, .most_ms = 30 * 1000};

static bool too_late(const struct update *update) {
    return clock_now_ms() - update->stage_since_ms > LAG_MS;
}

static bool ask(struct pipeline *pipeline, const struct update *update, const struct ref *ref,
                char out[DIGEST_TEXT_SIZE], struct err *err) {
    struct resolver_question question = {
        .client = &pipeline->registry,
        .config = pipeline->session.config,
        .hosts = pipeline->hosts,
        .ref = ref,
        .since_ms = update->received_ms,
        .age_ms = update->attempts ? SHARED_AGAIN_MS : SHARED_MS,
    };
    return resolver_resolve(pipeline->resolver, &question, out, err);
}

/* A registry that did not answer in time is asked again at its own time. */
static struct outcome no_answer(const struct pipeline *pipeline, const struct update *update,
                                struct notes *notes, const struct err *err) {
    const struct outcome host = judge_host(pipeline, update, notes, &waiting);
    return host.verdict == VERDICT_NEXT ? judge_retry(update, notes, err, JUDGE_AWAY_MS) : host;
}

static struct outcome lags(const struct update *update, const char *what) {
    if (too_late(update)) {
        return outcome_fail("%s, 15 minutes after the push: push it again, or `landwaiter retry` "
                            "this update when it is there",
                            what);
    }
    struct err wait = ERR_INIT;
    (void)err_set(&wait, ERR_TRANSIENT, "%s: waiting for the registry to catch up", what);
    return outcome_again(update, &lag, &wait);
}

/* The gate checks this time and asks again if the answer is old. */
static void note(struct notes *notes, const char *digest) {
    memcpy(notes->to, digest, DIGEST_TEXT_SIZE);
    notes->resolved_ms = clock_now_ms();
}

/* The tag has another digest than the push: does the registry lag behind, or has the tag moved
 * on? */
static struct outcome resolve_other(struct pipeline *pipeline, const struct update *update,
                                    struct notes *notes, const char *now) {
    struct ref pushed = update->image;
    memcpy(pushed.digest, update->pushed_digest, sizeof pushed.digest);
    char digest[DIGEST_TEXT_SIZE] = "";
    struct err err = ERR_INIT;
    if (store_was_pushed(pipeline->store, update, now)) {
        /* Notices arrived out of order: the present digest was announced too, and this update may
         * have superseded that one. */
        note(notes, now);
        return strcmp(now, notes->from) == 0
                   ? outcome_drop(RESULT_SUPERSEDED, "the tag has moved on to %s", now)
                   : judge_digest(pipeline, update, notes);
    }
    bool served = ask(pipeline, update, &pushed, digest, &err);
    if (!served && err.kind == ERR_TRANSIENT) {
        return no_answer(pipeline, update, notes, &err);
    }
    if (!served && err.kind != ERR_GONE) {
        return outcome_fail("%s", err.message);
    }
    if (!served) {
        return lags(update, "the registry does not serve the pushed digest yet");
    }
    /* The registry has the pushed image; but a tag that still has the running digest has not moved
     * yet. */
    if (strcmp(now, notes->from) == 0 && !too_late(update)) {
        return lags(update, "the registry's tag does not name the pushed digest yet");
    }
    return outcome_drop(RESULT_SUPERSEDED, "the tag has moved on to %s", now);
}

struct outcome stage_resolve(struct pipeline *pipeline, const struct update *update,
                             struct notes *notes) {
    char now[DIGEST_TEXT_SIZE] = "";
    struct err err = ERR_INIT;
    /* A person who asks what would happen gets the registry's own answer. */
    const struct outcome host = pipeline->shared ? outcome_next("asked by a person")
                                                 : judge_host(pipeline, update, notes, &waiting);
    if (host.verdict != VERDICT_NEXT) {
        return host;
    }
    if (!ask(pipeline, update, &update->image, now, &err)) {
        switch (err.kind) {
        case ERR_TRANSIENT:
            return no_answer(pipeline, update, notes, &err);
        case ERR_GONE:
            return lags(update, err.message);
        default:
            return outcome_fail("%s", err.message);
        }
    }
    if (update->pushed_digest[0] && strcmp(now, update->pushed_digest) != 0) {
        return resolve_other(pipeline, update, notes, now);
    }
    note(notes, now);
    return judge_digest(pipeline, update, notes);
}
