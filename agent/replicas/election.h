/* The election of the leader: a thread that keeps the Lease or waits for it. Owns whether this
 * replica leads, and until when that is certain. */
#ifndef LANDWAITER_AGENT_REPLICAS_ELECTION_H
#define LANDWAITER_AGENT_REPLICAS_ELECTION_H

#include "agent/platforms/kubernetes/api.h"
#include "agent/replicas/lease.h"

struct election;

struct election_options {
    struct api *api;
    const char *namespace_, *name; /* the Lease's; borrowed */
    int64_t lease_ms;
    /* This replica begins or ceases to lead. Called on the election's thread; must not block. */
    void (*turned)(void *context, bool leads);
    void *context;
};

bool election_new(const struct election_options *options, struct election **out,
                  struct err *err) MUST_USE;
bool election_start(struct election *election, struct err *err) MUST_USE;
/* Ends the thread, and releases the Lease if this replica holds it. All work under the Lease must
 * have stopped. */
void election_stop(struct election *election);
void election_free(struct election *election);

/* This replica's name in the Lease: the host's name, and a random part for each start. */
const char *election_identity(const struct election *election);
/* Does this replica lead at this moment, by this machine's clock? Cheap; from any thread. */
bool election_leads(const struct election *election);
/* The holder that was seen last; "": none. */
void election_leader(struct election *election, char out[LEASE_HOLDER_SIZE]);

#endif
