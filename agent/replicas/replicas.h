/* Several replicas of the agent in one cluster (docs/replicas.md): one leads and works, all answer
 * hooks, and what must not be lost is in the cluster's API. Puts the election, the inbox and the
 * ledger together.
 *
 * With one replica there is none of it (NULL), and nothing of it costs anything. */
#ifndef LANDWAITER_AGENT_REPLICAS_REPLICAS_H
#define LANDWAITER_AGENT_REPLICAS_REPLICAS_H

#include "agent/config/config.h"
#include "agent/replicas/inbox.h"
#include "agent/replicas/lease.h"
#include "base/buf.h"

struct replicas;

struct replicas_options {
    const struct config *config; /* as at the start; borrowed */
    /* Something is new in the store, or what was asked for is known: from any thread. */
    void (*changed)(void *context);
    /* This replica works from now on, or no longer; it has room for more matches, or not. From any
     * thread; must not block. */
    void (*lead)(void *context, bool leads);
    void (*room)(void *context, bool room);
    void *context;
};

/* *out is NULL where the configuration says that there is one replica. Switches sharing on or off
 * in the store, which must be open nowhere else yet. */
bool replicas_new(const struct replicas_options *options, struct store *store,
                  struct replicas **out, struct err *err) MUST_USE;
bool replicas_start(struct replicas *replicas, struct err *err) MUST_USE;
/* Nothing that waits for the cluster goes on; before the workers are stopped. */
void replicas_hurry(struct replicas *replicas);
/* Writes what is left and gives the Lease up; after the workers have stopped. */
void replicas_stop(struct replicas *replicas);
void replicas_free(struct replicas *replicas);

/* For the intake: inbox.h. */
struct inbox *replicas_inbox(struct replicas *replicas);
/* Has it seen what there is? */
bool replicas_ready(struct replicas *replicas, struct buf *why);
/* Odd while what the store says need not be all there is; another number than before: it was so
 * meanwhile. 0 with one replica. */
unsigned replicas_reading(const struct replicas *replicas);
/* ERR_TRANSIENT: another replica leads; the message names it. */
bool replicas_leads(struct replicas *replicas, struct err *err) MUST_USE;
/* All that is stored here would be found by a successor. ERR_TRANSIENT: it would not, or this one
 * does not lead: nothing may be done that relies on it. Blocks. */
bool replicas_flush(struct replicas *replicas, struct err *err) MUST_USE;
/* May this replica change something in the cluster at this moment? */
bool replicas_may_act(const struct replicas *replicas);
/* Something was stored. */
void replicas_poke(struct replicas *replicas);

#endif
