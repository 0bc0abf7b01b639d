/* Messages to the service manager (sd_notify(3)): datagrams to the socket in NOTIFY_SOCKET. Does
 * nothing without a service manager. */
#ifndef LANDWAITER_BASE_NOTIFY_H
#define LANDWAITER_BASE_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/own.h"

struct notify {
    struct sockaddr_un address;
    socklen_t length;    /* of the address; 0: no service manager */
    int64_t watchdog_ms; /* send WATCHDOG=1 at least this often; 0: no watchdog */
};

/* Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID, and removes them from the environment, so
 * that no child can speak for this process. Call before any thread starts. Ignores a socket that is
 * neither a path nor an abstract name ('@'). */
struct notify notify_take(void);

/* Sends assignments such as "READY=1\nSTATUS=…". From any thread; blocks for at most a second.
 * False: not delivered, or no service manager. */
bool notify_send(const struct notify *notify, const char *text);
/* Sends RELOADING=1 with the time that Type=notify-reload requires. */
bool notify_reloading(const struct notify *notify);

#endif
