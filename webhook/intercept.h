/* The place where libmicrohttpd reads its sockets: its bytes go through a wire.
 *
 * libmicrohttpd repairs what it should refuse. 0.9.75 makes two zero bytes of CR LF, and of a zero
 * byte with LF as well, so that nothing tells afterwards which of them came. It offers no way to
 * look at the bytes before, and a proxy in front of it within this process (two more sockets for
 * each connection) costs 8 µs a request where the whole intake takes 55. But it reads with recv,
 * and under TLS with gnutls_record_recv, and this program defines both: the dynamic linker prefers
 * a program's own functions to those of libraries. A version that reads in another way has every
 * request refused (wire_begin), which the tests show at once.
 *
 * For sockets that are not entered here both do the same as the libraries' functions. */
#ifndef LANDWAITER_WEBHOOK_INTERCEPT_H
#define LANDWAITER_WEBHOOK_INTERCEPT_H

#include "webhook/wire.h"

enum intercept_kind {
    INTERCEPT_EDGE,  /* libmicrohttpd uses epoll, which tells once of what has come */
    INTERCEPT_LEVEL, /* it uses poll, which tells as long as something is in the socket */
    INTERCEPT_TLS,
};

/* From a connection's start (MHD_CONNECTION_NOTIFY_STARTED) to its end. False: there are too many
 * open files. Thread-safe; a wire is used by the thread that reads its socket alone. */
bool intercept_enter(int fd, struct wire *wire, enum intercept_kind kind) MUST_USE;
void intercept_leave(int fd);

#endif
