/* Tells the service manager (systemd, Type=notify) that the agent answers hooks, reloads, stops or
 * is alive, with a status line.
 *
 * A sign of life needs three threads: the main thread asks for it on a timer, after checking the
 * workers; the intake thread sends it in its next turn. When one of them hangs, the signs end and
 * the service manager restarts the agent. */
#ifndef LANDWAITER_AGENT_WORK_SERVICE_MANAGER_H
#define LANDWAITER_AGENT_WORK_SERVICE_MANAGER_H

#include <stdbool.h>

#include "base/notify.h"

#define SERVICE_MANAGER_TEXT_SIZE 256

struct service_manager {
    struct notify notify;
    bool ready;                              /* of the intake thread: READY=1 was sent */
    char address[SERVICE_MANAGER_TEXT_SIZE]; /* the listening address */
};

/* Call before any thread starts. */
void service_manager_init(struct service_manager *manager);
/* Reports a faulty configuration before the agent ends. */
void service_manager_refused(const struct service_manager *manager);
/* A descriptor that becomes readable when a sign of life is due; the caller closes it. -1: the
 * service manager wants none. */
int service_manager_timer(const struct service_manager *manager);
/* Acknowledges the timer. Call before asking for a sign of life. */
void service_manager_due(int timer);

/* Sets the listening address. On the main thread, before the intake thread starts. */
void service_manager_listens(struct service_manager *manager, const char *listen, unsigned port);
/* On the intake thread, in a turn: reports readiness the first time, a sign of life afterwards. */
void service_manager_turned(void *manager);

/* On the main thread. */
void service_manager_reloading(const struct service_manager *manager);
void service_manager_reloaded(const struct service_manager *manager, bool good);
void service_manager_stopping(const struct service_manager *manager);

#endif
