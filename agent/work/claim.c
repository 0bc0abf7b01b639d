/* Claims the next piece of work. Runs none. */
#include "agent/work/internal.h"
#include "base/clock.h"
#include "base/log.h"

#define CLAIM_BESIDES 6  /* workers beyond those that apply: for pulls, registries, health checks */
#define CLAIM_RESERVED 2 /* workers that one platform leaves to other work */
#define CLAIM_CROWD_MS 100 /* between looks behind a crowd */

/* Several replicas: does another one lead, or has this one's lead run out? */
static bool claim_follows(const struct workers *workers) {
    return workers->follows ||
           (workers->options.may_act && !workers->options.may_act(workers->options.context));
}

static bool claim_taken(const struct workers *workers, int64_t id) {
    for (size_t i = 0; i < workers->count; i++) {
        if (workers->threads[i].place.update == id) {
            return true;
        }
    }
    return false;
}

size_t claim_ordinary(const struct workers *workers) {
    size_t wanted = workers->config->concurrency + CLAIM_BESIDES;
    return wanted > WORKERS_ORDINARY_MAX ? WORKERS_ORDINARY_MAX : wanted;
}

/* The places that the workers hold. taken: room for WORKERS_MAX. */
static struct places claim_places(const struct workers *workers, const struct place **taken) {
    for (size_t i = 0; i < workers->count; i++) {
        taken[i] = &workers->threads[i].place;
    }
    return (struct places){.taken = taken,
                           .count = workers->count,
                           .hosts = workers->hosts,
                           .at_platform = (unsigned)claim_ordinary(workers) - CLAIM_RESERVED};
}

size_t claim_at_registries(const struct workers *workers) {
    const struct place *taken[WORKERS_MAX];
    const struct places places = claim_places(workers, taken);
    return places_at_registries(&places);
}

/* Skips full places: a queue for one must not hide updates that can continue. In a crowd now and
 * then looks for other parties behind it. */
static bool claim_list(struct worker *worker, struct store_due *out, struct err *err) {
    struct workers *workers = worker->workers;
    const struct place *taken[WORKERS_MAX];
    const struct places places = claim_places(workers, taken);
    CLEANUP(buf_release) struct buf full = BUF_INIT(PLACES_TEXT_MAX);
    int64_t now = clock_boot_ms();
    places_full(&places, &full);
    *out = (struct store_due){.full = buf_text(&full)};
    out->each_party = workers->crowd && now >= workers->crowd_boot_ms + CLAIM_CROWD_MS;
    if (out->each_party) {
        workers->crowd_boot_ms = now;
    }
    bool good = store_due(worker->store, clock_now_ms(), out, err);
    workers->crowd = out->each_party ? workers->crowd : out->count == STORE_DUE_MAX;
    return good;
}

/* Moves the first update of the party whose last turn is longest ago to the front; its index.
 * out->count: none is left. */
static size_t claim_next(const struct workers *workers, const struct store_due *due,
                         const bool *skipped) {
    size_t next = due->count;
    uint64_t least = UINT64_MAX;
    for (size_t i = 0; i < due->count; i++) {
        if (!skipped[i] && parties_last(&workers->parties, due->items[i].party) < least) {
            least = parties_last(&workers->parties, due->items[i].party);
            next = i;
        }
    }
    return next;
}

static void claim_failed(struct workers *workers, const struct err *err) {
    log_event(LOG_ERROR, "store.failed", "reason", err->message, NULL);
    workers->paused = true;
    workers->pause_until_boot_ms = clock_boot_ms() + WORKERS_PAUSE_MS;
    workers->options.rearm(workers->options.context);
}

/* False: it has ended since, or moved on to a full place. */
static bool claim_take(struct worker *worker, const struct update *update) {
    const struct place *taken[WORKERS_MAX];
    const struct places places = claim_places(worker->workers, taken);
    struct place place;
    place_take(update, &place);
    if (update->result != RESULT_NONE || !places_have(&places, &place)) {
        return false;
    }
    worker->place = place;
    return true;
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
    bool skipped[STORE_DUE_MAX] = {false};
    for (size_t i = 0; i < due.count; i++) {
        skipped[i] = claim_taken(workers, due.items[i].id);
    }
    for (size_t i = claim_next(workers, &due, skipped); i < due.count;
         i = claim_next(workers, &due, skipped)) {
        skipped[i] = true;
        if (!store_update_find(worker->store, due.items[i].id, &out->update, &err)) {
            if (err.kind == ERR_GONE) {
                continue; /* deleted since */
            }
            claim_failed(workers, &err);
            return false;
        }
        if (claim_take(worker, &out->update)) {
            parties_take(&workers->parties, due.items[i].party);
            out->kind = JOB_UPDATE;
            return true;
        }
        update_release(&out->update);
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
