/* Intercepts libmicrohttpd's reads from its sockets, and passes the bytes through a wire.
 *
 * libmicrohttpd repairs what it should refuse: 0.9.75 turns CR LF into two zero bytes, and a zero
 * byte with LF as well, so that the two cannot be distinguished later. It offers no access to the
 * bytes before, and a proxy within this process (two more sockets for each connection) costs 8 µs a
 * request, where the whole intake takes 55. But it reads with recv, and under TLS with
 * gnutls_record_recv, and this program defines both: the dynamic linker prefers a program's
 * functions to those of libraries. With a version that reads differently every request is refused
 * (wire_begin), which the tests detect.
 *
 * For all other sockets both behave like the libraries' functions. */
#ifndef LANDWAITER_WEBHOOK_INTERCEPT_H
#define LANDWAITER_WEBHOOK_INTERCEPT_H

#include "webhook/wire.h"

enum intercept_kind {
    INTERCEPT_EDGE,  /* libmicrohttpd uses epoll, edge-triggered */
    INTERCEPT_LEVEL, /* libmicrohttpd uses poll, level-triggered */
    INTERCEPT_TLS,
};

/* Enter at a connection's start (MHD_CONNECTION_NOTIFY_STARTED), leave at its end. False: too many
 * open files. Thread-safe; only the thread that reads the socket uses the wire. */
bool intercept_enter(int fd, struct wire *wire, enum intercept_kind kind) MUST_USE;
void intercept_leave(int fd);

#endif
