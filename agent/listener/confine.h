/* Takes from this process what it does not need (docs/security.md). */
#ifndef LANDWAITER_AGENT_LISTENER_CONFINE_H
#define LANDWAITER_AGENT_LISTENER_CONFINE_H

#include <stdbool.h>

/* The parts that worked, for the log: older kernels and emulators lack some of them. */
struct confinement {
    bool user;     /* it is a user of its own, or was none of root's before */
    bool files;    /* Landlock: reads public files of the system only, writes none */
    bool syscalls; /* seccomp: only the calls that a listener makes */
};

/* Of the listener. Before its threads start. */
#define CONFINE_USER 9078 /* and group; nobody else's */
struct confinement confine_listener(void);
/* Of the agent and everything that it starts: no new privileges, no core, no debugger. */
void confine_agent(void);

#endif
