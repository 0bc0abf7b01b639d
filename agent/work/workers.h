/* A few threads that take the next ready piece of work: match new pushes, advance a due update,
 * look whether the platforms answer. Threads are started when there is work for them. What waits,
 * waits in the store; nothing here sleeps with a job in hand.
 *
 * At stop, a blocking call is cut short (its step was stored before it began), so stopping takes
 * about a second. */
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
    /* An update or a push was finished or matched, or a probe answered: called on a worker's
     * thread. */
    void (*changed)(void *context);
    /* The time of the next thing to do may have changed: called on a worker's thread, must not
     * block. */
    void (*rearm)(void *context);
    /* Is what was stored where a successor finds it? NULL: there is one replica only, and what is
     * stored is. With it, they neither match nor work on updates until workers_lead says so. */
    bool (*settled)(void *context, struct err *err);
    /* May this agent change something at this moment? NULL: always. */
    bool (*may_act)(void *context);
    void *context;
};

bool workers_new(const struct workers_options *options, struct workers **out,
                 struct err *err) MUST_USE;
/* Begins to work. */
bool workers_start(struct workers *workers, struct err *err) MUST_USE;
/* With several replicas: to work on updates from now on, or no longer; and whether there is room
 * for what further matches make. */
void workers_lead(struct workers *workers, bool leads);
void workers_room(struct workers *workers, bool room);
/* Cuts what runs short, waits for the threads. */
void workers_stop(struct workers *workers);
void workers_free(struct workers *workers);

/* Another configuration from the next job on. */
void workers_reload(struct workers *workers, struct config *config);
/* The configuration in force; the caller drops it. */
struct config *workers_config(struct workers *workers);
/* There may be something to do: a time was reached, the clock was set, somebody decided. */
void workers_kick(struct workers *workers);
/* Pushes were stored. Wakes nobody where each platform's next match has its time anyway, so that a
 * burst of pushes costs no wake-up for each of them. */
void workers_pushed(struct workers *workers);
/* Do the workers turn? False: their lock cannot be had within five seconds, or one that rests has
 * not looked for work although it was woken before this was asked the last time. Wakes nobody, and
 * is no question to the platforms: a worker may wait for those for as long as it takes. */
bool workers_turn(struct workers *workers) MUST_USE;
/* The store's log has grown: one of the workers is to merge it into the database. */
void workers_checkpoint(struct workers *workers);
/* CLOCK_BOOTTIME, later than after_ms, at which workers_kick is wanted for what is only in memory
 * (a platform that was away); INT64_MAX: never. */
int64_t workers_next_ms(struct workers *workers, int64_t after_ms);

/* Do the store and the platforms answer? PENDING: a probe that began at or after asked_ms
 * (CLOCK_BOOTTIME) is on its way; `changed` tells when it is done. */
enum webhook_ready workers_ready(struct workers *workers, int64_t asked_ms, struct buf *why);

/* What a thread that is not a worker needs to ask the same questions: all but store, configuration
 * and HTTP client, which are its own. */
struct pipeline;
void workers_pipeline(struct workers *workers, struct pipeline *out);

#endif
