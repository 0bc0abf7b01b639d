/* The intake thread connects the listener's process with the store. It stores before it answers. */
#ifndef LANDWAITER_AGENT_WORK_INTAKE_H
#define LANDWAITER_AGENT_WORK_INTAKE_H

#include "agent/config/config.h"
#include "agent/replicas/replicas.h"
#include "agent/work/workers.h"
#include "base/err.h"

struct intake;

struct intake_options {
    int keeper; /* agent/listener/keeper.h; borrowed */
    struct config *config;
    struct workers *workers;
    struct replicas *replicas; /* NULL with a single replica */
};
/* Binds the listener; does not serve yet. */
bool intake_new(const struct intake_options *options, struct intake **out,
                struct err *err) MUST_USE;
/* Sets the function that intake_ask calls. Before the thread starts. */
void intake_on_turn(struct intake *intake, void (*turned)(void *context), void *context);
/* Starts the thread. */
bool intake_start(struct intake *intake, struct err *err) MUST_USE;
/* Finishes open answers and ends the thread. */
void intake_stop(struct intake *intake);
void intake_free(struct intake *intake);

void intake_reload(struct intake *intake, struct config *config);
/* Presents the certificate in config's files. False: they are unusable, and the previous one stays
 * in use; err says why. */
bool intake_identity(struct intake *intake, const struct config *config, struct err *err) MUST_USE;
/* Answers requests that wait for a change. From any thread. */
void intake_wake(struct intake *intake);
/* Asks for one call of the function of intake_on_turn, on the intake thread after the listener's next
 * turn. A hanging one never calls it. From any thread. */
void intake_ask(struct intake *intake);
unsigned intake_port(const struct intake *intake);

#endif
