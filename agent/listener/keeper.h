/* The keeper: a process with one thread, from which listeners are forked. The agent cannot fork
 * them itself, because it has threads, and starts no program instead, because the file may be gone
 * or need an emulator.
 *
 * It reads nothing but orders of the agent, and ends with it. */
#ifndef LANDWAITER_AGENT_LISTENER_KEEPER_H
#define LANDWAITER_AGENT_LISTENER_KEEPER_H

#include <stdbool.h>

#include "agent/listener/child.h"
#include "base/err.h"

/* Call before any thread starts. Returns the socket to it, or -1. */
int keeper_start(struct err *err);
/* Forks a listener. False: there is none. *process: a pidfd of it, which the caller closes, as it
 * does its copies of the sockets; -1: it has ended already. */
bool keeper_fork(int keeper, const struct child_sockets *sockets, int *process) MUST_USE;

#endif
