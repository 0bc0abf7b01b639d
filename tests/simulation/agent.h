/* The agent under simulation: its real store, workers and pipeline, and in place of agent/serve.c
 * the same timers without descriptors. */
#ifndef LANDWAITER_TESTS_SIMULATION_AGENT_H
#define LANDWAITER_TESTS_SIMULATION_AGENT_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/store/store.h"
#include "agent/work/workers.h"

struct agent {
    struct store *store; /* the intake's, the control API's and the timers' */
    struct workers *workers;
    int64_t kicked_ms, kicked_boot_ms;
};
extern struct agent agent;

/* Starts it on the state directory, as after a crash. */
void agent_start(void);
/* Ends it without a word, once the machine has crashed. */
void agent_forget(void);
/* Fires the timers whose time has come. True: one did. */
bool agent_timers(void);
/* How long until the next timer; INT64_MAX: none. */
int64_t agent_next_ms(void);
void agent_kick(void);
/* Something was decided by hand, the clock was set, or there is another configuration. */
void agent_decided(void);
void agent_look_again(void);
/* A delivery from the outside. Gives the push's id, 0: it was not accepted. */
int64_t agent_accept(const char *image);

#endif
