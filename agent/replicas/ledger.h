/* The ledger (docs/replicas.md): followers take in the records that the leader writes; the leader
 * alone writes them. Two threads: the follower, which also takes the ledger over, and the writer.
 */
#ifndef LANDWAITER_AGENT_REPLICAS_LEDGER_H
#define LANDWAITER_AGENT_REPLICAS_LEDGER_H

#include "agent/replicas/election.h"
#include "agent/replicas/record.h"
#include "base/buf.h"

struct ledger;

struct ledger_options {
    struct records records; /* its pointers are borrowed */
    const struct election *election;
    const char *state; /* directory */
    int64_t history_ms;
    /* Called on any thread; must not block. lead: this replica begins or ceases to match pushes and
     * to work on updates. room: does the ledger take more matches? */
    void (*lead)(void *context, bool leads);
    void (*room)(void *context, bool room);
    void (*changed)(void *context); /* the store has changed */
    void *context;
};

bool ledger_new(const struct ledger_options *options, struct ledger **out,
                struct err *err) MUST_USE;
bool ledger_start(struct ledger *ledger, struct err *err) MUST_USE;
/* A leader writes its last changes. Ends the threads. */
void ledger_stop(struct ledger *ledger);
void ledger_free(struct ledger *ledger);

/* Call when this replica begins or ceases to lead, on the election's thread. */
void ledger_turn(struct ledger *ledger);
/* Does this replica lead, and has it taken the ledger over? Then it may act at this moment. */
bool ledger_leads(const struct ledger *ledger);
/* Blocks until all changes in the store are in the ledger. ERR_TRANSIENT: they are not; do nothing
 * that relies on them. */
bool ledger_flush(struct ledger *ledger, struct err *err) MUST_USE;
/* Before a stop: flushes that wait return ERR_TRANSIENT at once. */
void ledger_hurry(struct ledger *ledger);
/* Writes changes soon, without a flush. */
void ledger_poke(struct ledger *ledger);
/* Grows by one when a list of the ledger begins, and when it ends. Odd in between: the store may
 * lack pushes and updates then. */
unsigned ledger_reading(const struct ledger *ledger);
/* Has it read all records, and does it follow them? If not, appends the reason to why. */
bool ledger_ready(struct ledger *ledger, struct buf *why);

#endif
