/* The worker threads. Owns the threads, the claims on what is being worked on, and the times of
 * matches that are to be tried again. */
#include "agent/work/workers.h"

#include <pthread.h>
#include <stdatomic.h>

#include "agent/model/counters.h"
#include "agent/model/id.h"
#include "agent/pipeline/match.h"
#include "agent/pipeline/pipeline.h"
#include "agent/pipeline/stages.h"
#include "agent/pipeline/turns.h"
#include "agent/platforms/table.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/thread.h"

#define WORKERS_MAX 16
/* Workers beyond those that may apply: for pulls, registries and looks. */
#define WORKERS_BESIDES 6
#define WORKERS_STACK (512 * 1024)
#define WORKERS_PLATFORMS PLATFORM_COUNT_MAX
#define WORKERS_PAUSE_MS 1000 /* after the store could not be written */
#define WORKERS_MATCH_AGAIN_MS 30000
#define WORKERS_MATCH_PAUSE_MS 50 /* each match holds the store's only write lock for a moment */
#define WORKERS_MATCH_PAUSE_MAX_MS 1000
#define WORKERS_WARM_MS 1000 /* without work: memory is given back */
#define WORKERS_PRUNE_MS (60 * 60 * 1000)
#define WORKERS_LOCK_MS 5000 /* nobody holds the lock for longer than a look into the store */

enum job_kind { JOB_NONE, JOB_MATCH, JOB_UPDATE, JOB_PROBE, JOB_CHECKPOINT };

struct job {
    enum job_kind kind;
    const struct platform *platform;
    size_t platform_index;
    struct update update;
};

/* Matching of one platform: at most one at a time, and under load no more than a tenth of the time,
 * unless the platform is so slow that pushes would wait for long. */
struct workers_match {
    bool busy;
    bool deferred; /* there was something to match, and it was too early */
    int64_t not_before_boot_ms;
    int64_t failures;
};

struct worker {
    struct workers *workers;
    pthread_t thread;
    struct store *store;
    struct http_client *http;
    bool warm;       /* has worked since it gave memory back */
    int64_t claimed; /* update id, 0: none; read and written under the mutex */
    enum stage claimed_stage;
};

struct workers {
    pthread_mutex_t mutex;
    pthread_cond_t work;
    pthread_mutex_t exclusive; /* for exclusive stages: one worker decides at a time */
    struct workers_options options;
    struct config *config;
    struct token_cache *tokens;
    struct resolver *resolver;
    struct turns *turns;
    atomic_bool stop;
    struct worker threads[WORKERS_MAX];
    size_t count, idle;
    uint64_t kicks;  /* grows with each reason to look again */
    uint64_t looked; /* kicks when a worker looked last */
    uint64_t asked;  /* kicks when workers_turn asked last */
    struct platform_running running;
    struct workers_match matches[WORKERS_PLATFORMS];
    bool follows; /* another replica works */
    bool crowded; /* no room for what matches make */
    bool paused;  /* an update was due while the store could not be written */
    int64_t pause_until_boot_ms;
    int64_t pruned_boot_ms;
    bool checkpoint_wanted, checkpoint_busy;
    /* Readiness: */
    int64_t probe_wanted_boot_ms; /* 0: not wanted */
    bool probe_busy;
    int64_t probed_boot_ms; /* when the last one began */
    bool probe_good;
    char probe_why[ERR_MESSAGE_MAX];
};

/* ---- claiming ---- */

/* With several replicas: another one works, or may by now. */
static bool workers_follow(const struct workers *workers) {
    return workers->follows ||
           (workers->options.may_act && !workers->options.may_act(workers->options.context));
}

static bool workers_claimed(const struct workers *workers, int64_t id) {
    for (size_t i = 0; i < workers->count; i++) {
        if (workers->threads[i].claimed == id) {
            return true;
        }
    }
    return false;
}

static bool workers_full(const struct workers *workers, const struct stage_row *row) {
    unsigned running = 0;
    for (size_t i = 0; i < workers->count; i++) {
        const struct worker *worker = &workers->threads[i];
        running += worker->claimed && worker->claimed_stage == row->stage ? 1 : 0;
    }
    return row->at_most && running >= row->at_most;
}

/* What queues for a stage that is full must not hide what could go on. */
static bool claim_list(struct worker *worker, struct store_due *out, struct err *err) {
    *out = (struct store_due){.without_count = 0};
    for (size_t i = 0; i < STAGES_COUNT; i++) {
        if (out->without_count < STORE_DUE_WITHOUT &&
            workers_full(worker->workers, &stages_table[i])) {
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
    if (workers->paused || workers_follow(workers)) {
        return false;
    }
    if (!claim_list(worker, &due, &err)) {
        claim_failed(workers, &err);
        return false;
    }
    for (size_t i = 0; i < due.count; i++) {
        if (workers_claimed(workers, due.ids[i])) {
            continue;
        }
        if (!store_update_find(worker->store, due.ids[i], &out->update, &err)) {
            if (err.kind == ERR_GONE) {
                continue; /* just now */
            }
            claim_failed(workers, &err);
            return false;
        }
        if (out->update.result != RESULT_NONE) { /* somebody has ended it since */
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
    if (workers->crowded || workers_follow(workers)) {
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

/* ---- jobs: run without the mutex ---- */

static void workers_registry_told(const char *host, long status) {
    counters_answer(host, status);
}

void workers_pipeline(struct workers *workers, struct pipeline *out) {
    *out = (struct pipeline){
        .registry = {.tokens = workers->tokens, .told = workers_registry_told},
        .resolver = workers->resolver,
        .turns = workers->turns,
        .exclusive = &workers->exclusive,
        .session = {.running = &workers->running},
        .changed = workers->options.changed,
        .settled = workers->options.settled,
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

static void run_match(struct worker *worker, struct pipeline *pipeline, const struct job *job) {
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
    int64_t again = 500 << (failures < 6 ? failures : 6);
    again = again > WORKERS_MATCH_AGAIN_MS ? WORKERS_MATCH_AGAIN_MS : again;
    int64_t pause = 9 * took > WORKERS_MATCH_PAUSE_MS ? 9 * took : WORKERS_MATCH_PAUSE_MS;
    pause = pause < WORKERS_MATCH_PAUSE_MAX_MS ? pause : WORKERS_MATCH_PAUSE_MAX_MS;
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

static void run_probe(struct worker *worker, struct pipeline *pipeline) {
    struct workers *workers = worker->workers;
    int64_t began = clock_boot_ms();
    struct err err = ERR_INIT;
    bool good = probe_platforms(worker, pipeline, &err);
    thread_lock(&workers->mutex);
    workers->probe_busy = false;
    workers->probed_boot_ms = began;
    workers->probe_good = good;
    memcpy(workers->probe_why, err.message, sizeof workers->probe_why);
    thread_unlock(&workers->mutex);
    workers->options.changed(workers->options.context);
}

static void run_update(struct worker *worker, struct pipeline *pipeline, struct job *job) {
    struct workers *workers = worker->workers;
    bool stored = pipeline_advance(pipeline, &job->update);
    thread_lock(&workers->mutex);
    worker->claimed = 0;
    if (!stored) {
        workers->pause_until_boot_ms = clock_boot_ms() + WORKERS_PAUSE_MS;
    }
    thread_unlock(&workers->mutex);
}

static void run_prune(struct worker *worker, const struct config *config) {
    struct workers *workers = worker->workers;
    thread_lock(&workers->mutex);
    int64_t now = clock_boot_ms();
    bool due = !workers->pruned_boot_ms || now - workers->pruned_boot_ms > WORKERS_PRUNE_MS;
    workers->pruned_boot_ms = due ? now : workers->pruned_boot_ms;
    thread_unlock(&workers->mutex);
    if (due) {
        store_prune(worker->store, clock_now_ms() - config->history_ms);
    }
}

static void run_checkpoint(struct worker *worker) {
    struct workers *workers = worker->workers;
    store_checkpoint(worker->store);
    thread_lock(&workers->mutex);
    workers->checkpoint_busy = false;
    thread_unlock(&workers->mutex);
}

static void worker_run(struct worker *worker, struct job *job) {
    CLEANUP(config_release) struct config *config = workers_config(worker->workers);
    struct pipeline pipeline;
    worker_pipeline(worker, config, &pipeline);
    switch (job->kind) {
    case JOB_MATCH:
        run_match(worker, &pipeline, job);
        workers_kick(worker->workers); /* what came meanwhile need not wait for the pruning */
        run_prune(worker, config);
        break;
    case JOB_UPDATE:
        run_update(worker, &pipeline, job);
        update_release(&job->update);
        break;
    case JOB_PROBE:
        run_probe(worker, &pipeline);
        break;
    case JOB_CHECKPOINT:
        run_checkpoint(worker);
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
    bool deferred = workers->paused;
    for (size_t i = 0; i < WORKERS_PLATFORMS; i++) {
        deferred = deferred || workers->matches[i].deferred;
    }
    return deferred;
}

/* Called and returns with the mutex held. */
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

/* Called and returns with the mutex held. */
static void worker_turn(struct worker *worker) {
    struct workers *workers = worker->workers;
    uint64_t seen = workers->kicks;
    workers->looked = seen;
    struct job job = {.kind = JOB_NONE};
    if (claim_checkpoint(workers, &job) || claim_probe(workers, &job) ||
        claim_match(worker, &job) || claim_update(worker, &job)) {
        /* There may be more than this one: another looks while this one works. */
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
    size_t wanted = workers->config->concurrency + WORKERS_BESIDES;
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
    workers->follows = options->settled != NULL;
    workers->config = config_hold(options->config);
    workers->tokens = token_cache_new();
    workers->resolver = resolver_new();
    workers->turns = turns_new();
    if (!workers->tokens || !workers->resolver || !workers->turns) {
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
        /* Who is busy looks again when it is done; deferred: a timer is set for it. */
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

/* The earlier of two times, of which only those after `after` count. */
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
