/* The life of the listener's process, as the agent sees it: starts it, hands it senders and
 * identity, serves its calls, and starts another when it dies. Nothing that was acknowledged is lost
 * then, as each delivery is stored before it is answered. */
#ifndef LANDWAITER_AGENT_LISTENER_SUPERVISOR_H
#define LANDWAITER_AGENT_LISTENER_SUPERVISOR_H

#include "agent/listener/calls.h"
#include "webhook/identity.h"
#include "webhook/listener.h"
#include "webhook/peer.h"

struct supervisor;

struct supervisor_options {
    int keeper; /* keeper.h; borrowed */
    const char *listen;
    const struct calls_service *service;   /* borrowed */
    const struct identity_files *identity; /* NULL: plain HTTP; needed for supervisor_new only */
    /* Called on the thread of supervisor_run: a listener has ended, or none can be started. */
    void (*ended)(void *context, const char *why);
    void *context;
};

/* Binds and listens; connections wait until supervisor_run. ERR_INVALID: the address. The caller frees
 * *out. */
bool supervisor_new(const struct supervisor_options *options, struct supervisor **out,
                    struct err *err) MUST_USE;
void supervisor_free(struct supervisor *supervisor);
unsigned supervisor_port(const struct supervisor *supervisor);

/* From any thread. These hand over copies. */
void supervisor_senders(struct supervisor *supervisor, const struct sender_set *senders,
                        const struct peer_networks *proxies);
void supervisor_identity(struct supervisor *supervisor, const struct identity_files *identity);
/* As the functions of webhook/server.h. */
void supervisor_wake(struct supervisor *supervisor);
void supervisor_ping(struct supervisor *supervisor);

/* Serves until supervisor_stop; blocks. supervisor_senders must have been called. */
void supervisor_run(struct supervisor *supervisor);
/* Lets the listener finish its requests, for a few seconds, and ends supervisor_run. */
void supervisor_stop(struct supervisor *supervisor);

#endif
