/* A replica's part in the ledger (docs/replicas.md): it follows the records and takes in what
 * others write; or, leading, is the only one to write. Two threads: one that follows, and takes the
 * ledger over; one that writes. */
#ifndef LANDWAITER_AGENT_REPLICAS_LEDGER_H
#define LANDWAITER_AGENT_REPLICAS_LEDGER_H

#include "agent/replicas/election.h"
#include "agent/replicas/record.h"
#include "base/buf.h"

struct ledger;

struct ledger_options {
    struct records records; /* what it points to is borrowed */
    const struct election *election;
    const char *state; /* directory */
    int64_t history_ms;
    /* From any of its threads; must not block. lead: from now on (or no longer) this replica
     * matches, and works on updates; `false` first. room: the ledger can take more matches. */
    void (*lead)(void *context, bool leads);
    void (*room)(void *context, bool room);
    void (*changed)(void *context); /* something new is in the store */
    void *context;
};

bool ledger_new(const struct ledger_options *options, struct ledger **out,
                struct err *err) MUST_USE;
bool ledger_start(struct ledger *ledger, struct err *err) MUST_USE;
/* Writes what is left, where it leads, and ends the threads. */
void ledger_stop(struct ledger *ledger);
void ledger_free(struct ledger *ledger);

/* The election turned: from its thread. */
void ledger_turn(struct ledger *ledger);
/* Leads, and has taken the ledger over: it may act at this moment. */
bool ledger_leads(const struct ledger *ledger);
/* All that is in the store is in the ledger when this returns true. Blocks; ERR_TRANSIENT: it is
 * not, and nothing may be done that relies on it. */
bool ledger_flush(struct ledger *ledger, struct err *err) MUST_USE;
/* It is about to stop: those who wait for a flush go without, and what they wait for is not done.
 */
void ledger_hurry(struct ledger *ledger);
/* Something changed that need not be in the ledger at once. */
void ledger_poke(struct ledger *ledger);
/* Grows by one when the ledger begins to be read anew, and when it is read: odd in between, when
 * what the store says of pushes and updates need not be all there is. */
unsigned ledger_reading(const struct ledger *ledger);
/* Knows all that there is. */
bool ledger_ready(struct ledger *ledger, struct buf *why);

#endif
