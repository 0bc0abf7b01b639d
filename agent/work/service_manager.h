/* Tells the service manager (systemd, Type=notify) when the agent answers hooks, when it reloads
 * and stops, one line about how it is, and that it is alive.
 *
 * A sign of life needs three threads: the main thread's timer asks for it, after it has looked at
 * the workers; the intake thread sends it in its next turn. When one of them hangs, the signs end,
 * and the service manager starts the agent anew. */
#ifndef LANDWAITER_AGENT_WORK_SERVICE_MANAGER_H
#define LANDWAITER_AGENT_WORK_SERVICE_MANAGER_H

#include <stdbool.h>

#include "base/notify.h"

#define SERVICE_MANAGER_TEXT_SIZE 256

struct service_manager {
    struct notify notify;
    bool ready; /* the intake thread's: it has said that hooks are answered */
    char address[SERVICE_MANAGER_TEXT_SIZE]; /* where */
};

/* Before any thread starts. */
void service_manager_init(struct service_manager *manager);
/* The configuration is faulty; the agent ends. */
void service_manager_refused(const struct service_manager *manager);
/* A file descriptor that becomes readable each time a sign of life is due; the caller closes it.
 * -1: the service manager wants none. */
int service_manager_timer(const struct service_manager *manager);
/* Takes note of the time that came. Call it before a sign of life is asked for. */
void service_manager_due(int timer);

/* On the main thread, before the intake's starts: where hooks are answered. */
void service_manager_listens(struct service_manager *manager, const char *listen, unsigned port);
/* On the intake thread, in one of its turns: the first time, hooks are answered from now on;
 * afterwards, a sign of life. */
void service_manager_turned(void *manager);

/* On the main thread. */
void service_manager_reloading(const struct service_manager *manager);
void service_manager_reloaded(const struct service_manager *manager, bool good);
void service_manager_stopping(const struct service_manager *manager);

#endif
