/* The listener's process: the server of webhook/server.h over calls to the agent. */
#ifndef LANDWAITER_AGENT_LISTENER_CHILD_H
#define LANDWAITER_AGENT_LISTENER_CHILD_H

struct child_sockets {
    int calls;     /* its questions (calls.h) */
    int orders;    /* the agent's orders (kinds.h) */
    int listening; /* the socket that listens */
};

/* Serves until it is ordered to stop, or the agent is gone. Returns the process's exit status. */
int child_main(const struct child_sockets *sockets);

#endif
