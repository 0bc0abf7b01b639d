/* A listening socket from its configured address (interface.md section 2, `listen`). */
#ifndef LANDWAITER_WEBHOOK_LISTENER_H
#define LANDWAITER_WEBHOOK_LISTENER_H

#include "base/err.h"

struct listener {
    int fd;         /* non-blocking, close-on-exec */
    unsigned port;  /* 0 for a socket file */
    char path[108]; /* of the socket file, "": TCP */
};

/* "ADDRESS:PORT", "[ADDRESS]:PORT" (numeric; `[::]` accepts IPv4 too) or "unix:PATH" (mode 0660;
 * replaces a stale socket). ERR_INVALID says which and why. */
bool listener_open(const char *address, struct listener *out, struct err *err) MUST_USE;

#endif
