/* Runs the jobs of the workers. Claims none. */
#include "agent/pipeline/match.h"
#include "agent/work/internal.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"

#define JOBS_MATCH_AGAIN_MS 30000
#define JOBS_MATCH_PAUSE_MS 50 /* each match holds the store's only write lock for a moment */
#define JOBS_MATCH_PAUSE_MAX_MS 1000
#define JOBS_MATCH_FAILS 2 /* failures in a row that make the agent unready */
#define JOBS_PRUNE_MS (60 * 60 * 1000)

void job_match(struct worker *worker, struct pipeline *pipeline, const struct job *job) {
    struct workers *workers = worker->workers;
    struct err err = ERR_INIT;
    bool more = false;
    int64_t began = clock_boot_ms();
    bool good = match_platform(pipeline, job->platform, &more, &err);
    int64_t took = clock_boot_ms() - began;
    thread_lock(&workers->mutex);
    struct workers_match *match = &workers->matches[job->platform_index];
    int64_t failures = match->failures;
    match->busy = false;
    match->failures = good ? 0 : failures + 1;
    (void)snprintf(match->why, sizeof match->why, "%s", err.message);
    int64_t again = 500 << (failures < 6 ? failures : 6);
    again = again > JOBS_MATCH_AGAIN_MS ? JOBS_MATCH_AGAIN_MS : again;
    int64_t pause = 9 * took > JOBS_MATCH_PAUSE_MS ? 9 * took : JOBS_MATCH_PAUSE_MS;
    pause = pause < JOBS_MATCH_PAUSE_MAX_MS ? pause : JOBS_MATCH_PAUSE_MAX_MS;
    match->not_before_boot_ms = clock_boot_ms() + (good ? pause : again);
    thread_unlock(&workers->mutex);
    if (!good) {
        log_event(failures ? LOG_DEBUG : LOG_WARNING, "platform.away", "platform",
                  job->platform->name, "reason", err.message, NULL);
    } else if (failures) {
        log_event(LOG_INFO, "platform.back", "platform", job->platform->name, NULL);
    }
    workers->options.changed(workers->options.context);
}

static bool probe_platforms(struct worker *worker, const struct pipeline *pipeline,
                            struct err *err) {
    if (!store_probe(worker->store, err)) {
        return false;
    }
    for (size_t i = 0; platform_table[i]; i++) {
        if (platform_table[i]->configured(pipeline->session.config) &&
            !platform_table[i]->probe(&pipeline->session, err)) {
            return err_wrap(err, "%s", platform_table[i]->name);
        }
    }
    return true;
}

/* Do the pushes that wait reach their targets? A match that fails is tried again at once, because
 * the platform answers. */
static bool probe_match(struct worker *worker, size_t index, struct err *err) {
    struct workers *workers = worker->workers;
    const char *platform = platform_table[index]->name;
    char why[ERR_MESSAGE_MAX];
    thread_lock(&workers->mutex);
    struct workers_match *match = &workers->matches[index];
    bool fails = match->failures >= JOBS_MATCH_FAILS && !workers->follows;
    memcpy(why, match->why, sizeof why);
    thread_unlock(&workers->mutex);
    if (!fails || !store_has_unmatched(worker->store, platform)) {
        return true;
    }
    thread_lock(&workers->mutex);
    match->not_before_boot_ms = 0;
    workers->kicks++;
    thread_signal(&workers->work);
    thread_unlock(&workers->mutex);
    return err_set(err, ERR_TRANSIENT, "%s: pushes do not reach its targets: %.400s", platform,
                   why);
}

static bool probe_matches(struct worker *worker, const struct pipeline *pipeline, struct err *err) {
    for (size_t i = 0; platform_table[i]; i++) {
        if (platform_table[i]->configured(pipeline->session.config) &&
            !probe_match(worker, i, err)) {
            return false;
        }
    }
    return true;
}

void job_probe(struct worker *worker, const struct pipeline *pipeline) {
    struct workers *workers = worker->workers;
    int64_t began = clock_boot_ms();
    struct err err = ERR_INIT;
    bool good = probe_platforms(worker, pipeline, &err) && probe_matches(worker, pipeline, &err);
    thread_lock(&workers->mutex);
    workers->probe_busy = false;
    workers->probed_boot_ms = began;
    workers->probe_good = good;
    memcpy(workers->probe_why, err.message, sizeof workers->probe_why);
    thread_unlock(&workers->mutex);
    workers->options.changed(workers->options.context);
}

void job_update(struct worker *worker, struct pipeline *pipeline, struct job *job) {
    struct workers *workers = worker->workers;
    bool stored = pipeline_advance(pipeline, &job->update);
    thread_lock(&workers->mutex);
    worker->place.update = 0;
    if (!stored) {
        workers->pause_until_boot_ms = clock_boot_ms() + WORKERS_PAUSE_MS;
    }
    thread_unlock(&workers->mutex);
}

void job_prune(struct worker *worker, const struct config *config) {
    const int64_t now_ms = clock_now_ms();
    store_prune(worker->store, now_ms - config->history_ms);
    for (size_t i = 0; i < config->senders.count; i++) {
        const struct sender *sender = &config->senders.items[i];
        store_prune_sender(worker->store, sender->name, sender->quota, now_ms);
    }
    store_prune_size(worker->store, config->history_bytes, now_ms);
}

void job_prune_sometimes(struct worker *worker, const struct config *config) {
    struct workers *workers = worker->workers;
    thread_lock(&workers->mutex);
    int64_t now = clock_boot_ms();
    bool due = !workers->pruned_boot_ms || now - workers->pruned_boot_ms > JOBS_PRUNE_MS;
    workers->pruned_boot_ms = due ? now : workers->pruned_boot_ms;
    thread_unlock(&workers->mutex);
    if (due) {
        job_prune(worker, config);
    }
}

void job_checkpoint(struct worker *worker) {
    struct workers *workers = worker->workers;
    store_checkpoint(worker->store);
    thread_lock(&workers->mutex);
    workers->checkpoint_busy = false;
    thread_unlock(&workers->mutex);
}
