/* Several replicas of the agent in one cluster (docs/replicas.md): one leads and works, all answer
 * hooks, and the cluster's API keeps their common state. Puts the election, the inbox and the
 * ledger together.
 *
 * NULL stands for a single replica, which needs none of it. */
#ifndef LANDWAITER_AGENT_REPLICAS_REPLICAS_H
#define LANDWAITER_AGENT_REPLICAS_REPLICAS_H

#include "agent/config/config.h"
#include "agent/replicas/inbox.h"
#include "agent/replicas/lease.h"
#include "base/buf.h"

struct replicas;

struct replicas_options {
    const struct config *config; /* the one at the start; borrowed */
    /* The store has changed, or pending deliveries have an outcome. Called on any thread. */
    void (*changed)(void *context);
    /* lead: this replica begins or ceases to work. room: does the ledger take more matches? Called
     * on any thread; must not block. */
    void (*lead)(void *context, bool leads);
    void (*room)(void *context, bool room);
    void *context;
};

/* Switches sharing on or off in the store, which must be open nowhere else yet. *out: NULL if the
 * configuration names no Lease. */
bool replicas_new(const struct replicas_options *options, struct store *store,
                  struct replicas **out, struct err *err) MUST_USE;
bool replicas_start(struct replicas *replicas, struct err *err) MUST_USE;
/* Call before the workers stop: flushes return at once. */
void replicas_hurry(struct replicas *replicas);
/* Call after the workers stopped: writes the last changes, and releases the Lease. */
void replicas_stop(struct replicas *replicas);
void replicas_free(struct replicas *replicas);

/* The inbox, for the intake. */
struct inbox *replicas_inbox(struct replicas *replicas);
/* Has this replica read all records? If not, appends the reason to why. */
bool replicas_ready(struct replicas *replicas, struct buf *why);
/* Odd while the store may lack pushes and updates; another number than before: it may have lacked
 * some meanwhile. 0: a single replica. */
unsigned replicas_reading(const struct replicas *replicas);
/* Does this replica lead? ERR_TRANSIENT: another one does; the message names it. */
bool replicas_leads(struct replicas *replicas, struct err *err) MUST_USE;
/* Blocks until the last write is replicated, so that a new leader finds it. ERR_TRANSIENT: it is
 * not, or this replica does not lead; do nothing that relies on it. */
bool replicas_flush(struct replicas *replicas, struct err *err) MUST_USE;
/* May this replica change something in the cluster at this moment? */
bool replicas_may_act(const struct replicas *replicas);
/* Replicates changes soon, without waiting. */
void replicas_poke(struct replicas *replicas);

#endif
