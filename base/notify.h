/* Messages to the service manager that started this process (sd_notify(3)): datagrams to the
 * socket that NOTIFY_SOCKET names. Without a service manager nothing is sent. */
#ifndef LANDWAITER_BASE_NOTIFY_H
#define LANDWAITER_BASE_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/own.h"

struct notify {
    struct sockaddr_un address;
    socklen_t length;    /* of the address; 0: nobody listens */
    int64_t watchdog_ms; /* send WATCHDOG=1 at least this often; 0: no watchdog */
};

/* Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID, and removes them from the environment, so
 * that no child process can speak for this one. Call it before any thread starts. A socket that is
 * neither a path nor an abstract name ('@') counts as none. */
struct notify notify_take(void);

/* Sends assignments such as "READY=1\nSTATUS=…"; from any thread. Blocks for at most a second.
 * False: the service manager did not take it, or there is none. */
bool notify_send(const struct notify *notify, const char *text);
/* Sends RELOADING=1 and the instant, as Type=notify-reload wants it. */
bool notify_reloading(const struct notify *notify);

#endif
