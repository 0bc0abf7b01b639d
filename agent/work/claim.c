/* Claims the next piece of work. Runs none. */
#include "agent/work/internal.h"
#include "base/clock.h"
#include "base/log.h"

/* Several replicas: does another one lead, or has this one's lead run out? */
static bool claim_follows(const struct workers *workers) {
    return workers->follows ||
           (workers->options.may_act && !workers->options.may_act(workers->options.context));
}

static bool claim_taken(const struct workers *workers, int64_t id) {
    for (size_t i = 0; i < workers->count; i++) {
        if (workers->threads[i].claimed == id) {
            return true;
        }
    }
    return false;
}

static bool claim_full(const struct workers *workers, const struct stage_row *row) {
    unsigned running = 0;
    for (size_t i = 0; i < workers->count; i++) {
        const struct worker *worker = &workers->threads[i];
        running += worker->claimed && worker->claimed_stage == row->stage ? 1 : 0;
    }
    return row->at_most && running >= row->at_most;
}

/* Skips full stages: a queue for one must not hide updates that can continue. */
static bool claim_list(struct worker *worker, struct store_due *out, struct err *err) {
    *out = (struct store_due){.without_count = 0};
    for (size_t i = 0; i < STAGES_COUNT; i++) {
        if (out->without_count < STORE_DUE_WITHOUT &&
            claim_full(worker->workers, &stages_table[i])) {
            out->without[out->without_count++] = stages_table[i].stage;
        }
    }
    return store_due(worker->store, clock_now_ms(), out, err);
}

static void claim_failed(struct workers *workers, const struct err *err) {
    log_event(LOG_ERROR, "store.failed", "reason", err->message, NULL);
    workers->paused = true;
    workers->pause_until_boot_ms = clock_boot_ms() + WORKERS_PAUSE_MS;
    workers->options.rearm(workers->options.context);
}

static bool claim_update(struct worker *worker, struct job *out) {
    struct workers *workers = worker->workers;
    struct store_due due;
    struct err err = ERR_INIT;
    workers->paused = clock_boot_ms() < workers->pause_until_boot_ms;
    if (workers->paused || claim_follows(workers)) {
        return false;
    }
    if (!claim_list(worker, &due, &err)) {
        claim_failed(workers, &err);
        return false;
    }
    for (size_t i = 0; i < due.count; i++) {
        if (claim_taken(workers, due.ids[i])) {
            continue;
        }
        if (!store_update_find(worker->store, due.ids[i], &out->update, &err)) {
            if (err.kind == ERR_GONE) {
                continue; /* deleted since */
            }
            claim_failed(workers, &err);
            return false;
        }
        if (out->update.result != RESULT_NONE) { /* ended since */
            update_release(&out->update);
            continue;
        }
        worker->claimed = out->update.id;
        worker->claimed_stage = out->update.stage;
        out->kind = JOB_UPDATE;
        return true;
    }
    return false;
}

static bool claim_match(struct worker *worker, struct job *out) {
    struct workers *workers = worker->workers;
    if (workers->crowded || claim_follows(workers)) {
        return false;
    }
    for (size_t i = 0; platform_table[i]; i++) {
        struct workers_match *match = &workers->matches[i];
        match->deferred = false;
        if (!platform_table[i]->configured(workers->config) || match->busy ||
            !store_has_unmatched(worker->store, platform_table[i]->name)) {
            continue;
        }
        if (clock_boot_ms() < match->not_before_boot_ms) {
            match->deferred = true;
            continue;
        }
        match->busy = true;
        out->kind = JOB_MATCH;
        out->platform = platform_table[i];
        out->platform_index = i;
        return true;
    }
    return false;
}

static bool claim_probe(struct workers *workers, struct job *out) {
    if (workers->probe_busy || workers->probed_boot_ms >= workers->probe_wanted_boot_ms) {
        return false;
    }
    workers->probe_busy = true;
    out->kind = JOB_PROBE;
    return true;
}

static bool claim_checkpoint(struct workers *workers, struct job *out) {
    if (!workers->checkpoint_wanted || workers->checkpoint_busy) {
        return false;
    }
    workers->checkpoint_wanted = false;
    workers->checkpoint_busy = true;
    out->kind = JOB_CHECKPOINT;
    return true;
}

/* A sender's quota is almost used up. */
static bool claim_prune(struct workers *workers, struct job *out) {
    const int64_t now = clock_boot_ms();
    if (!workers->prune_wanted) {
        return false;
    }
    if (workers->pruned_boot_ms && now - workers->pruned_boot_ms < WORKERS_PRUNE_MS) {
        return false; /* workers_next_ms tells when */
    }
    workers->prune_wanted = false;
    workers->pruned_boot_ms = now;
    out->kind = JOB_PRUNE;
    return true;
}

bool claim_job(struct worker *worker, struct job *out) {
    return claim_checkpoint(worker->workers, out) || claim_prune(worker->workers, out) ||
           claim_probe(worker->workers, out) || claim_match(worker, out) ||
           claim_update(worker, out);
}
