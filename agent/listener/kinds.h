/* The kinds of frames; for the files of this room. */
#ifndef LANDWAITER_AGENT_LISTENER_KINDS_H
#define LANDWAITER_AGENT_LISTENER_KINDS_H

enum call_kind {
    CALL_ACCEPT = 1,
    CALL_ACCEPTED,
    CALL_SENDER,
    CALL_EXPECTED,
    CALL_OPEN,
    CALL_STATUS,
    CALL_READY,
    CALL_EVENT, /* no answer to this one and the next two */
    CALL_IDLE,
    CALL_PONG,
    CALL_FILE,
    CALL_CONFINED, /* once, at the start; no answer */
    CALL_ANSWER,
};

/* From the agent, on a socket of their own; no answers. */
enum order_kind {
    ORDER_START = 64, /* the first one */
    ORDER_SENDERS,
    ORDER_IDENTITY,
    ORDER_WAKE,
    ORDER_PING,
    ORDER_STOP,
};

#endif
