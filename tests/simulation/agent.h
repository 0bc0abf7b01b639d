/* The agent under simulation: its real store, workers and pipeline; and, in place of agent/serve.c,
 * the same timers without descriptors. */
#ifndef LANDWAITER_TESTS_SIMULATION_AGENT_H
#define LANDWAITER_TESTS_SIMULATION_AGENT_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/store/store.h"
#include "agent/work/workers.h"

struct agent {
    struct store *store; /* for the intake, the control API and the timers */
    struct workers *workers;
    int64_t kicked_ms, kicked_boot_ms;
};
extern struct agent agent;

/* Starts the agent on the state directory, as after a crash. */
void agent_start(void);
/* Drops the agent after a crash of the machine. */
void agent_forget(void);
/* Fires the timers that are due. True: one fired. */
bool agent_timers(void);
/* Time to the next timer; INT64_MAX: none. */
int64_t agent_next_ms(void);
void agent_kick(void);
/* After an order of a person; after a set clock or another configuration. */
void agent_decided(void);
void agent_look_again(void);
/* Delivers a push from outside. Gives its id; 0: not accepted. */
int64_t agent_accept(const char *sender, const char *image);

#endif
