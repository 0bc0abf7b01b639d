/* The thread that keeps the Lease, or waits for it. Owns who leads, and until when that is certain.
 */
#ifndef LANDWAITER_AGENT_REPLICAS_ELECTION_H
#define LANDWAITER_AGENT_REPLICAS_ELECTION_H

#include "agent/platforms/kubernetes/api.h"
#include "agent/replicas/lease.h"

struct election;

struct election_options {
    struct api *api;
    const char *namespace_, *name; /* the Lease's; borrowed */
    int64_t lease_ms;
    /* It began to lead, or it does not any more: on the election's thread; must not block. */
    void (*turned)(void *context, bool leads);
    void *context;
};

bool election_new(const struct election_options *options, struct election **out,
                  struct err *err) MUST_USE;
bool election_start(struct election *election, struct err *err) MUST_USE;
/* Gives the Lease up, where it has it: whoever acted under it has stopped. Ends the thread. */
void election_stop(struct election *election);
void election_free(struct election *election);

/* This replica's name in the Lease: the host's, and a random part for each start. */
const char *election_identity(const struct election *election);
/* At this moment, by this machine's own clock; from any thread, and cheap. */
bool election_leads(const struct election *election);
/* Who was seen leading last; "" nobody. */
void election_leader(struct election *election, char out[LEASE_HOLDER_SIZE]);

#endif
