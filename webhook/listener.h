/* A listening socket from its configured address (interface.md section 2, `listen`). */
#ifndef LANDWAITER_WEBHOOK_LISTENER_H
#define LANDWAITER_WEBHOOK_LISTENER_H

#include "base/err.h"

struct listener {
    int fd;         /* non-blocking, close-on-exec */
    unsigned port;  /* 0 for a socket file */
    char path[108]; /* of the socket file, "" for TCP */
};

/* "ADDRESS:PORT", "[ADDRESS]:PORT" (numeric; `[::]` takes IPv4 too) or "unix:PATH" (mode 0660; one
 * that nobody listens on any more is replaced). ERR_INVALID says which and why. */
bool listener_open(const char *address, struct listener *out, struct err *err) MUST_USE;

#endif
