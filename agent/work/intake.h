/* The intake thread: webhook's server on one side, the store on the other. Persist, then reply. */
#ifndef LANDWAITER_AGENT_WORK_INTAKE_H
#define LANDWAITER_AGENT_WORK_INTAKE_H

#include "agent/config/config.h"
#include "agent/replicas/replicas.h"
#include "agent/work/workers.h"
#include "base/err.h"

struct intake;

/* Binds the listener; does not serve yet. replicas: NULL with one. */
bool intake_new(struct config *config, struct workers *workers, struct replicas *replicas,
                struct intake **out, struct err *err) MUST_USE;
/* Before the thread starts: what intake_ask calls. */
void intake_on_turn(struct intake *intake, void (*turned)(void *context), void *context);
/* Starts the thread. */
bool intake_start(struct intake *intake, struct err *err) MUST_USE;
/* Answers what is under way, and ends the thread. */
void intake_stop(struct intake *intake);
void intake_free(struct intake *intake);

void intake_reload(struct intake *intake, struct config *config);
/* Shows the certificate that config's files hold now. False: they cannot be used, and the one
 * before is shown on; err says why. */
bool intake_identity(struct intake *intake, const struct config *config, struct err *err) MUST_USE;
/* Something that requests may wait for has changed. From any thread. */
void intake_wake(struct intake *intake);
/* Asks for one call of what intake_on_turn named, on the intake thread, after its next turn. A
 * thread that hangs never calls it. From any thread. */
void intake_ask(struct intake *intake);
unsigned intake_port(const struct intake *intake);

#endif
