/* The listener's questions to the agent. The process that reads strangers' bytes has no store: its
 * backend (webhook/server.h) sends each call as a frame, and waits for the answer; the agent serves
 * it with the real backend.
 *
 * The agent believes nothing of a delivery but its images: it parses them again, and asks its own
 * configuration whether that sender may push them. */
#ifndef LANDWAITER_AGENT_LISTENER_CALLS_H
#define LANDWAITER_AGENT_LISTENER_CALLS_H

#include "agent/listener/confine.h"
#include "agent/listener/frame.h"
#include "webhook/server.h"

/* ---- in the listener's process ---- */

struct calls {
    int fd;
    struct buf frame;
};

/* A backend over calls, which must stay. When the agent is gone, each call ends the process. */
struct webhook_backend calls_backend(struct calls *calls);
/* The contents of a file of keys that a sender is configured with; none where *version is that of the
 * present ones. False: there is none. */
bool calls_read_file(struct calls *calls, const char *path, int64_t *version,
                     struct buf *out) MUST_USE;

/* ---- in the agent ---- */

struct calls_service {
    const struct webhook_backend *backend;
    /* The senders in force; the caller gives them back with `release`. */
    const struct sender_set *(*senders)(void *context, void **hold);
    void (*release)(void *hold);
    void *context;
    /* The listener sent a delivery that no honest one sends; why: for the log. May be NULL. */
    void (*distrust)(void *context, const char *why);
    /* The listener is about to serve: what it could give up (confine.h). May be NULL. */
    void (*confined)(void *context, const struct confinement *done);
};

/* Receives one call, serves it, and answers. Blocks until there is one. False: the listener is
 * gone, or does not keep to the form. */
bool calls_serve(int fd, const struct calls_service *service, struct buf *buffer) MUST_USE;

#endif
