/* The worker threads and their lifetime. */
#include "agent/work/workers.h"

#include "agent/model/counters.h"
#include "agent/pipeline/turns.h"
#include "agent/work/internal.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/thread.h"

#define WORKERS_AT_REGISTRIES 4 /* of these may wait for a registry without being replaced */
#define WORKERS_STACK (512 * 1024)
#define WORKERS_WARM_MS 1000 /* idle time before memory is freed */
#define WORKERS_LOCK_MS 5000 /* nobody holds the mutex longer than a read of the store */

/* ---- running a job ---- */

static void workers_registry_told(const char *host, long status) {
    counters_answer(host, status);
}

void workers_pipeline(struct workers *workers, struct pipeline *out) {
    *out = (struct pipeline){
        .registry = {.tokens = workers->tokens, .on_request = workers_registry_told},
        .resolver = workers->resolver,
        .turns = workers->turns,
        .hosts = workers->hosts,
        .exclusive = &workers->exclusive,
        .session = {.running = &workers->running},
        .changed = workers->options.changed,
        .replicated = workers->options.replicated,
        .may_act = workers->options.may_act,
        .context = workers->options.context,
    };
}

static void worker_pipeline(struct worker *worker, struct config *config, struct pipeline *out) {
    workers_pipeline(worker->workers, out);
    out->store = worker->store;
    out->session.config = config;
    out->session.http = worker->http;
    out->registry.http = worker->http;
}

static void worker_run(struct worker *worker, struct job *job) {
    CLEANUP(config_release) struct config *config = workers_config(worker->workers);
    struct pipeline pipeline;
    worker_pipeline(worker, config, &pipeline);
    switch (job->kind) {
    case JOB_MATCH:
        job_match(worker, &pipeline, job);
        workers_kick(worker->workers); /* new pushes need not wait for the pruning */
        job_prune_sometimes(worker, config);
        break;
    case JOB_PRUNE:
        job_prune(worker, config);
        break;
    case JOB_UPDATE:
        job_update(worker, &pipeline, job);
        update_release(&job->update);
        break;
    case JOB_PROBE:
        job_probe(worker, &pipeline);
        break;
    case JOB_CHECKPOINT:
        job_checkpoint(worker);
        break;
    case JOB_NONE:
    default:
        break;
    }
    worker->workers->options.rearm(worker->workers->options.context);
}

/* ---- threads ---- */

static bool workers_start_one(struct workers *workers);

static bool workers_deferred(const struct workers *workers) {
    bool deferred = workers->paused || workers->prune_wanted;
    for (size_t i = 0; i < WORKERS_PLATFORMS; i++) {
        deferred = deferred || workers->matches[i].deferred;
    }
    return deferred;
}

/* The mutex is held at call and return. */
static void worker_rest(struct worker *worker) {
    struct workers *workers = worker->workers;
    struct timespec until = thread_after(WORKERS_WARM_MS);
    if (!worker->warm) {
        thread_wait(&workers->work, &workers->mutex);
    } else if (!thread_wait_until(&workers->work, &workers->mutex, &until)) {
        worker->warm = false;
        thread_unlock(&workers->mutex);
        store_trim(worker->store);
        memory_give_back();
        thread_lock(&workers->mutex);
    }
}

/* The mutex is held at call and return. */
static void worker_turn(struct worker *worker) {
    struct workers *workers = worker->workers;
    uint64_t seen = workers->kicks;
    workers->looked = seen;
    struct job job = {.kind = JOB_NONE};
    if (claim_job(worker, &job)) {
        /* There may be more work: let another worker look. */
        if (workers->idle) {
            thread_signal(&workers->work);
        } else {
            (void)workers_start_one(workers);
        }
        thread_unlock(&workers->mutex);
        worker_run(worker, &job);
        thread_lock(&workers->mutex);
        worker->warm = true;
        workers->kicks++;
        return;
    }
    if (workers_deferred(workers)) {
        workers->options.rearm(workers->options.context);
    }
    workers->idle++;
    if (seen == workers->kicks && !workers->stop) {
        worker_rest(worker);
    }
    workers->idle--;
}

static void *worker_main(void *argument) {
    struct worker *worker = argument;
    struct workers *workers = worker->workers;
    (void)pthread_setname_np(pthread_self(), "worker");
    thread_lock(&workers->mutex);
    while (!workers->stop) {
        worker_turn(worker);
    }
    thread_unlock(&workers->mutex);
    return NULL;
}

static size_t workers_wanted(const struct workers *workers) {
    size_t wait = claim_at_registries(workers);
    size_t wanted =
        claim_ordinary(workers) + (wait > WORKERS_AT_REGISTRIES ? wait - WORKERS_AT_REGISTRIES : 0);
    return wanted > WORKERS_MAX ? WORKERS_MAX : wanted;
}

static bool workers_start_one(struct workers *workers) {
    if (workers->count >= workers_wanted(workers) || workers->stop) {
        return false;
    }
    struct worker *worker = &workers->threads[workers->count];
    struct err err = ERR_INIT;
    *worker = (struct worker){.workers = workers, .warm = true};
    worker->http = http_client_new(&workers->stop);
    bool started = worker->http && store_open(workers->config->state, &worker->store, &err) &&
                   thread_start(&worker->thread, WORKERS_STACK, worker_main, worker);
    if (!started) {
        log_event(LOG_ERROR, "worker.failed", "reason", err.message, NULL);
        http_client_free(worker->http);
        store_free(worker->store);
        return false;
    }
    workers->count++;
    return true;
}

bool workers_new(const struct workers_options *options, struct workers **out, struct err *err) {
    struct workers *workers = calloc(1, sizeof *workers);
    if (!workers) {
        return err_set(err, ERR_BUG, "out of memory");
    }
    (void)pthread_mutex_init(&workers->mutex, NULL);
    (void)pthread_mutex_init(&workers->exclusive, NULL);
    thread_condition_init(&workers->work);
    workers->options = *options;
    workers->follows = options->replicated != NULL;
    workers->config = config_hold(options->config);
    workers->tokens = token_cache_new();
    workers->resolver = resolver_new();
    workers->turns = turns_new();
    workers->hosts = hosts_new();
    if (!workers->tokens || !workers->resolver || !workers->turns || !workers->hosts) {
        workers_free(workers);
        return err_set(err, ERR_BUG, "out of memory");
    }
    *out = workers;
    return true;
}

static void workers_platform_changed(void *context) {
    workers_kick(context);
}

static bool workers_may_act(void *context) {
    const struct workers *workers = context;
    return workers->options.may_act(workers->options.context);
}

bool workers_start(struct workers *workers, struct err *err) {
    const struct platform_start start = {.config = workers->config,
                                         .changed = workers_platform_changed,
                                         .may_act =
                                             workers->options.may_act ? workers_may_act : NULL,
                                         .context = workers};
    if (!platform_start_all(&start, &workers->running, err)) {
        return false;
    }
    thread_lock(&workers->mutex);
    bool started = workers_start_one(workers);
    thread_unlock(&workers->mutex);
    return started || err_set(err, ERR_BUG, "the workers cannot be started");
}

void workers_stop(struct workers *workers) {
    thread_lock(&workers->mutex);
    atomic_store(&workers->stop, true);
    thread_broadcast(&workers->work);
    size_t count = workers->count;
    thread_unlock(&workers->mutex);
    /* No thread is started after stop is set. */
    for (size_t i = 0; i < count; i++) {
        thread_join(workers->threads[i].thread);
        store_free(workers->threads[i].store);
        http_client_free(workers->threads[i].http);
    }
    workers->count = 0;
}

void workers_free(struct workers *workers) {
    if (!workers) {
        return;
    }
    workers_stop(workers);
    platform_stop_all(&workers->running);
    token_cache_free(workers->tokens);
    resolver_free(workers->resolver);
    turns_free(workers->turns);
    hosts_free(workers->hosts);
    config_drop(workers->config);
    (void)pthread_cond_destroy(&workers->work);
    (void)pthread_mutex_destroy(&workers->exclusive);
    (void)pthread_mutex_destroy(&workers->mutex);
    free(workers);
}

/* ---- from other threads ---- */

void workers_reload(struct workers *workers, struct config *config) {
    thread_lock(&workers->mutex);
    struct config *old = workers->config;
    workers->config = config_hold(config);
    thread_unlock(&workers->mutex);
    config_drop(old);
    workers_kick(workers);
}

struct config *workers_config(struct workers *workers) {
    thread_lock(&workers->mutex);
    struct config *config = config_hold(workers->config);
    thread_unlock(&workers->mutex);
    return config;
}

void workers_kick(struct workers *workers) {
    thread_lock(&workers->mutex);
    workers->kicks++;
    thread_signal(&workers->work);
    thread_unlock(&workers->mutex);
}

void workers_lead(struct workers *workers, bool leads) {
    thread_lock(&workers->mutex);
    workers->follows = !leads;
    thread_unlock(&workers->mutex);
    workers_kick(workers);
}

void workers_room(struct workers *workers, bool room) {
    thread_lock(&workers->mutex);
    bool more = workers->crowded && room;
    workers->crowded = !room;
    thread_unlock(&workers->mutex);
    if (more) {
        workers_kick(workers);
    }
}

void workers_prune(struct workers *workers) {
    thread_lock(&workers->mutex);
    workers->prune_wanted = true;
    thread_unlock(&workers->mutex);
    workers_kick(workers);
}

void workers_checkpoint(struct workers *workers) {
    thread_lock(&workers->mutex);
    workers->checkpoint_wanted = true;
    thread_unlock(&workers->mutex);
    workers_kick(workers);
}

void workers_pushed(struct workers *workers) {
    thread_lock(&workers->mutex);
    bool expected = true;
    for (size_t i = 0; platform_table[i]; i++) {
        const struct workers_match *match = &workers->matches[i];
        /* A busy match looks again at its end; a deferred one has a timer. */
        expected = expected && (match->busy || match->deferred ||
                                !platform_table[i]->configured(workers->config));
    }
    thread_unlock(&workers->mutex);
    if (!expected) {
        workers_kick(workers);
    }
}

bool workers_turn(struct workers *workers) {
    const struct timespec until = thread_after(WORKERS_LOCK_MS);
    if (pthread_mutex_clocklock(&workers->mutex, CLOCK_MONOTONIC, &until) != 0) {
        return false;
    }
    bool turn = workers->idle == 0 || workers->looked >= workers->asked;
    workers->asked = workers->kicks;
    (void)pthread_mutex_unlock(&workers->mutex);
    return turn;
}

/* The earlier of two times; `at` counts only after `after`. */
static int64_t workers_sooner(int64_t next, int64_t at, int64_t after) {
    return at > after && at < next ? at : next;
}

int64_t workers_next_ms(struct workers *workers, int64_t after_ms) {
    int64_t next = INT64_MAX;
    thread_lock(&workers->mutex);
    for (size_t i = 0; i < WORKERS_PLATFORMS; i++) {
        const struct workers_match *match = &workers->matches[i];
        if (match->deferred) {
            next = workers_sooner(next, match->not_before_boot_ms, after_ms);
        }
    }
    if (workers->prune_wanted) {
        next = workers_sooner(next, workers->pruned_boot_ms + WORKERS_PRUNE_MS, after_ms);
    }
    if (workers->paused) {
        next = workers_sooner(next, workers->pause_until_boot_ms, after_ms);
    }
    thread_unlock(&workers->mutex);
    return next;
}

enum webhook_ready workers_ready(struct workers *workers, int64_t asked_ms, struct buf *why) {
    thread_lock(&workers->mutex);
    enum webhook_ready ready = WEBHOOK_READY_PENDING;
    if (workers->probed_boot_ms && workers->probed_boot_ms >= asked_ms) {
        ready = workers->probe_good ? WEBHOOK_READY : WEBHOOK_NOT_READY;
        buf_puts(why, workers->probe_why);
    } else if (workers->probe_wanted_boot_ms < asked_ms) {
        workers->probe_wanted_boot_ms = asked_ms;
        workers->kicks++;
        thread_signal(&workers->work);
    }
    thread_unlock(&workers->mutex);
    return ready;
}
