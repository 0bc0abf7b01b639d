/* A few threads that take the next ready piece of work: match new pushes, advance a due update,
 * probe the platforms. A thread is started when there is work for it. Waiting updates wait in the
 * store; no thread sleeps with a job.
 *
 * Stopping takes about a second: it aborts blocking calls, whose step was stored before. */
#ifndef LANDWAITER_AGENT_WORK_WORKERS_H
#define LANDWAITER_AGENT_WORK_WORKERS_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/config/config.h"
#include "base/buf.h"
#include "base/err.h"
#include "webhook/server.h"

struct workers;

struct workers_options {
    struct config *config; /* a reference is held */
    /* An update ended, a push was matched, or a probe answered. On a worker's thread. */
    void (*changed)(void *context);
    /* The time of the next work may have changed. On a worker's thread; must not block. */
    void (*rearm)(void *context);
    /* Is the last write replicated? NULL: single replica. If set, the workers neither match nor
     * advance updates before workers_lead. */
    bool (*replicated)(void *context, struct err *err);
    /* Several replicas: does this one lead at this moment? NULL: single replica. */
    bool (*may_act)(void *context);
    void *context;
};

bool workers_new(const struct workers_options *options, struct workers **out,
                 struct err *err) MUST_USE;
/* Starts the platforms and the first worker. */
bool workers_start(struct workers *workers, struct err *err) MUST_USE;
/* Several replicas: starts or stops work on updates; allows or forbids matches, which make more
 * updates. */
void workers_lead(struct workers *workers, bool leads);
void workers_room(struct workers *workers, bool room);
/* Aborts blocking calls and joins the threads. */
void workers_stop(struct workers *workers);
void workers_free(struct workers *workers);

/* Replaces the configuration from the next job on. */
void workers_reload(struct workers *workers, struct config *config);
/* The configuration in force; the caller drops it. */
struct config *workers_config(struct workers *workers);
/* Wakes a worker: there may be work. */
void workers_kick(struct workers *workers);
/* Pushes were stored. Wakes no worker while every platform's next match is scheduled, so that a
 * burst of pushes does not cost a wake-up each. */
void workers_pushed(struct workers *workers);
/* Are the workers alive? False: their mutex is not free within five seconds, or an idle worker has
 * not looked for work although it was woken before the previous call. Wakes no worker and ignores
 * waits for a platform, which may take as long as they like. */
bool workers_turn(struct workers *workers) MUST_USE;
/* Makes a worker delete what is done with: a sender has almost used up its quota. */
void workers_prune(struct workers *workers);
/* Makes a worker merge the store's log into the database. */
void workers_checkpoint(struct workers *workers);
/* The next time (CLOCK_BOOTTIME, after after_ms) that needs workers_kick for work that is not in
 * the store: a deferred match, a pause. INT64_MAX: none. */
int64_t workers_next_ms(struct workers *workers, int64_t after_ms);

/* Do the store and the platforms answer? PENDING: a probe is running or requested; `changed` tells
 * its end. Answers of probes that began before asked_ms (CLOCK_BOOTTIME) do not count. */
enum webhook_ready workers_ready(struct workers *workers, int64_t asked_ms, struct buf *why);

/* Fills a pipeline for another thread, except store, configuration and HTTP client, which must be
 * the thread's own. */
struct pipeline;
void workers_pipeline(struct workers *workers, struct pipeline *out);

#endif
