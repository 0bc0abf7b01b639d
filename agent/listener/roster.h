/* The roster: the senders and trusted proxies, as a frame for the listener's process, which cannot
 * read the configuration. Holds their secrets: wipe the buffer. */
#ifndef LANDWAITER_AGENT_LISTENER_ROSTER_H
#define LANDWAITER_AGENT_LISTENER_ROSTER_H

#include "agent/listener/frame.h"
#include "webhook/peer.h"
#include "webhook/sender.h"

struct roster {
    struct sender_set senders;
    struct peer_networks proxies;
};

/* Appends it to a begun frame. */
void roster_put(struct buf *frame, const struct sender_set *senders,
                const struct peer_networks *proxies);
/* Reads it. NULL: the frame is bad, or there is no memory. */
struct roster *roster_take(struct frame *frame) MUST_USE;
void roster_free(struct roster *roster);

#endif
