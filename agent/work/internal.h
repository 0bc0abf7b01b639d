/* Shared by the files of the worker threads: their state, the claims and the jobs. Everything in
 * struct workers is guarded by its mutex, unless it says otherwise. */
#ifndef LANDWAITER_AGENT_WORK_INTERNAL_H
#define LANDWAITER_AGENT_WORK_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "agent/pipeline/pipeline.h"
#include "agent/pipeline/stages.h"
#include "agent/platforms/table.h"
#include "agent/work/places.h"
#include "agent/work/workers.h"

/* As many as apply and match, and one for each update that waits for a registry. */
#define WORKERS_ORDINARY_MAX 16
#define WORKERS_MAX (WORKERS_ORDINARY_MAX + STAGES_RESOLVE_AT_ONCE + STAGES_FETCH_AT_ONCE)
#define WORKERS_PLATFORMS PLATFORM_COUNT_MAX
#define WORKERS_PRUNE_MS 5000 /* at least between two prunings that pushes cause */
#define WORKERS_PAUSE_MS 1000 /* after a failed write to the store */

enum job_kind { JOB_NONE, JOB_MATCH, JOB_UPDATE, JOB_PROBE, JOB_CHECKPOINT, JOB_PRUNE };

struct job {
    enum job_kind kind;
    const struct platform *platform;
    size_t platform_index;
    struct update update;
};

/* Matching of one platform: one at a time, and under load at most a tenth of the time, unless the
 * platform is so slow that pushes would wait long. */
struct workers_match {
    bool busy;
    bool deferred; /* a push waits until not_before_boot_ms */
    int64_t not_before_boot_ms;
    int64_t failures;
    char why[ERR_MESSAGE_MAX]; /* of the last failure */
};

struct worker {
    struct workers *workers;
    pthread_t thread;
    struct store *store;
    struct http_client *http;
    bool warm;          /* has worked since it freed memory */
    struct place place; /* of its update; the mutex guards it */
};

struct workers {
    pthread_mutex_t mutex;
    pthread_cond_t work;
    pthread_mutex_t exclusive; /* held by the worker in an exclusive stage */
    struct workers_options options;
    struct config *config;
    struct token_cache *tokens;
    struct resolver *resolver;
    struct turns *turns;
    struct hosts *hosts; /* thread-safe */
    struct parties parties;
    bool crowd; /* more updates are due than one look shows */
    int64_t crowd_boot_ms;
    atomic_bool stop;
    struct worker threads[WORKERS_MAX];
    size_t count, idle;
    uint64_t kicks;  /* counts the reasons to look for work */
    uint64_t looked; /* kicks at a worker's last look */
    uint64_t asked;  /* kicks at the last workers_turn */
    struct platform_running running;
    struct workers_match matches[WORKERS_PLATFORMS];
    bool follows; /* another replica leads */
    bool crowded; /* no room for more updates */
    bool paused;  /* an update is due while the store cannot be written */
    int64_t pause_until_boot_ms;
    int64_t pruned_boot_ms;
    bool prune_wanted;
    bool checkpoint_wanted, checkpoint_busy;
    /* Readiness. */
    int64_t probe_wanted_boot_ms; /* 0: not wanted */
    bool probe_busy;
    int64_t probed_boot_ms; /* start of the last probe */
    bool probe_good;
    char probe_why[ERR_MESSAGE_MAX];
};

/* ---- claim.c ---- */

/* Takes the next job, so that no other worker takes it too. The mutex must be held. False: nothing
 * to do. */
bool claim_job(struct worker *worker, struct job *out);

/* The number of updates that wait for a registry. The mutex must be held. */
size_t claim_at_registries(const struct workers *workers);
/* The number of workers for everything else. */
size_t claim_ordinary(const struct workers *workers);

/* ---- jobs.c: run without the mutex ---- */

void job_match(struct worker *worker, struct pipeline *pipeline, const struct job *job);
void job_probe(struct worker *worker, const struct pipeline *pipeline);
void job_update(struct worker *worker, struct pipeline *pipeline, struct job *job);
/* Prunes the store, once an hour at most. */
void job_prune(struct worker *worker, const struct config *config);
/* Not more often than once an hour. */
void job_prune_sometimes(struct worker *worker, const struct config *config);
void job_checkpoint(struct worker *worker);

#endif
