/* Where libmicrohttpd reads its sockets, its bytes go through a wire.
 *
 * libmicrohttpd repairs what it should refuse: 0.9.75 replaces both CR LF and a zero byte with LF
 * by two zero bytes, so that nothing that can be asked of it afterwards tells which of them came.
 * It offers no way to see the bytes before, and a proxy in front of it inside this process (a pair
 * of sockets for each connection) costs 8 µs a request, a fifth of the intake. But it calls recv,
 * or gnutls_record_recv under TLS, which this program defines: the dynamic linker prefers the
 * program's own functions to those of libraries. If a version of it should ever read in another
 * way, every request is refused (wire_begin), which the tests show at once.
 *
 * For sockets that are not entered here both do what the libraries' functions do. */
#ifndef LANDWAITER_WEBHOOK_INTERCEPT_H
#define LANDWAITER_WEBHOOK_INTERCEPT_H

#include "webhook/wire.h"

enum intercept_kind {
    INTERCEPT_EDGE,  /* libmicrohttpd uses epoll: it must be told of all that has come */
    INTERCEPT_LEVEL, /* it uses poll, for what the socket has: it must not be left a rest */
    INTERCEPT_TLS,
};

/* From a connection's start (MHD_CONNECTION_NOTIFY_STARTED) to its end. False: there are too many
 * open files. Thread-safe; a wire is used by the thread that reads its socket alone. */
bool intercept_enter(int fd, struct wire *wire, enum intercept_kind kind) MUST_USE;
void intercept_leave(int fd);

#endif
