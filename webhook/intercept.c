/* Interception: owns the table of intercepted sockets, and the two functions that replace the
 * libraries'. Never parses a byte. */
#include "webhook/intercept.h"

#include <dlfcn.h>
#include <gnutls/gnutls.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"

#define SOCKETS_MAX 65536

struct entry {
    _Atomic(struct wire *) wire;       /* NULL: not intercepted */
    _Atomic(enum intercept_kind) kind; /* the number may have been another thread's before */
};

static struct entry entries[SOCKETS_MAX]; /* untouched pages take no memory */

struct source {
    int fd, flags;
    gnutls_session_t session; /* NULL: plain */
};

bool intercept_enter(int fd, struct wire *wire, enum intercept_kind kind) {
    if (fd < 0 || fd >= SOCKETS_MAX) {
        return false;
    }
    entries[fd].kind = kind;
    atomic_store(&entries[fd].wire, wire);
    return true;
}

void intercept_leave(int fd) {
    if (fd >= 0 && fd < SOCKETS_MAX) {
        atomic_store(&entries[fd].wire, NULL);
    }
}

static struct entry *entry_of(int fd) {
    bool ours = fd >= 0 && fd < SOCKETS_MAX && atomic_load(&entries[fd].wire);
    return ours ? &entries[fd] : NULL;
}

/* Other libraries keep pointers where libmicrohttpd keeps a socket. */
static struct entry *entry_of_session(gnutls_session_t session) {
    const uintptr_t fd = (uintptr_t)gnutls_transport_get_ptr(session);
    struct entry *entry = fd < SOCKETS_MAX ? entry_of((int)fd) : NULL;
    return entry && entry->kind == INTERCEPT_TLS ? entry : NULL;
}

/* libgnutls's function with the same name as the one below. */
#ifdef LANDWAITER_STATIC
ssize_t libgnutls_gnutls_record_recv(gnutls_session_t session, void *out, size_t room);
static ssize_t library_record_recv(gnutls_session_t session, void *out, size_t room) {
    return libgnutls_gnutls_record_recv(session, out, room);
}
#else
static ssize_t library_record_recv(gnutls_session_t session, void *out, size_t room) {
    static _Atomic(void *) known; /* looked up once: it takes the dynamic linker's lock */
    ssize_t (*function)(gnutls_session_t, void *, size_t) = NULL;
    void *found = atomic_load(&known);
    if (!found) {
        found = dlsym(RTLD_NEXT, "gnutls_record_recv");
        atomic_store(&known, found);
    }
    memcpy(&function, &found, sizeof function); /* C has no cast between the two */
    return function ? function(session, out, room) : GNUTLS_E_INTERNAL_ERROR;
}
#endif

static ssize_t pull(const struct source *source, void *out, size_t room) {
    struct iovec part = {.iov_base = out, .iov_len = room};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    return source->session ? library_record_recv(source->session, out, room)
                           : recvmsg(source->fd, &message, source->flags);
}

/* The number of bytes to read next. Requests may grow a little when rewritten: with poll they must
 * still fit; with epoll the rest waits in the wire, which should hold little. */
static size_t wanted(const struct entry *entry, const struct wire *wire, size_t room) {
    const size_t most = wire_room(wire);
    const size_t fits = entry->kind == INTERCEPT_LEVEL ? room / 2 + 1 : room;
    return fits < most ? fits : most;
}

/* Reads like the replaced function, but returns the wire's bytes. Under epoll libmicrohttpd takes a
 * short read as an empty socket and waits for the next event, so this reads until the socket is
 * empty. */
static ssize_t read_through(const struct entry *entry, const struct source *source, void *out,
                            size_t room) {
    char bytes[FRAMING_HEAD_MAX];
    struct wire *wire = atomic_load(&entry->wire);
    const bool edge = entry->kind == INTERCEPT_EDGE;
    size_t given = wire_hand(wire, out, room);
    ssize_t got = 1;
    bool again = true;
    while (again && given < room && !wire->over) {
        const size_t size = wanted(entry, wire, room - given);
        got = pull(source, bytes, size);
        if (got <= 0) {
            break;
        }
        wire_feed(wire, bytes, (size_t)got);
        given += wire_hand(wire, (char *)out + given, room - given);
        again = edge ? (size_t)got == size || wire_expects(wire) : given == 0;
    }
    if (edge && given > 0 && got == 0) {
        (void)shutdown(source->fd, SHUT_RD); /* makes epoll report the end once more */
    }
    if (given > 0) {
        return (ssize_t)given;
    }
    return got > 0 ? 0 : got; /* reads nothing more from this connection */
}

/* The stream then ends for the reader. */
static bool too_late(const struct entry *entry) {
    const struct wire *wire = atomic_load(&entry->wire);
    return entry->kind == INTERCEPT_LEVEL && wire->until_ms && clock_boot_ms() > wire->until_ms;
}

/* Other names in C, to avoid the libraries' declarations; the linker sees the quoted names. */
ssize_t intercept_recv(int fd, void *out, size_t room, int flags) __asm__("recv");
ssize_t intercept_record_recv(gnutls_session_t session, void *out,
                              size_t room) __asm__("gnutls_record_recv");

ssize_t intercept_recv(int fd, void *out, size_t room, int flags) {
    const struct source source = {.fd = fd, .flags = flags};
    const struct entry *entry = entry_of(fd);
    /* Under TLS, GnuTLS calls this for the encrypted bytes. */
    if (!entry || entry->kind == INTERCEPT_TLS) {
        return pull(&source, out, room);
    }
    return too_late(entry) ? 0 : read_through(entry, &source, out, room);
}

ssize_t intercept_record_recv(gnutls_session_t session, void *out, size_t room) {
    const struct source source = {.session = session};
    const struct entry *entry = entry_of_session(session);
    return entry ? read_through(entry, &source, out, room) : pull(&source, out, room);
}
