/* Listening sockets: opens one for an address. Never accepts on it, never closes it. */
#include "webhook/listener.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define BACKLOG 4096
#define SOCKET_MODE 0660
#define PAUSE_NS (25L * 1000 * 1000)
#define PAUSES_MAX 80

/* Keeps errno. */
static bool failed(const char *what, const char *address, struct err *err) {
    const int number = errno;
    (void)err_set(err, ERR_INVALID, "cannot %s %s: %s", what, address, strerror(number));
    errno = number;
    return false;
}

static int take_fd(int *fd) {
    int taken = *fd;
    *fd = -1;
    return taken;
}

/* Removes a socket file without a listener. False: it has one, or is something else. */
static bool remove_stale(const struct sockaddr_un *name, struct err *err) {
    struct stat status;
    if (lstat(name->sun_path, &status) != 0) {
        return errno == ENOENT || failed("look at", name->sun_path, err);
    }
    if (!S_ISSOCK(status.st_mode)) {
        return err_set(err, ERR_INVALID, "%s exists and is not a socket", name->sun_path);
    }
    CLEANUP(own_close) int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (probe >= 0 && connect(probe, (const struct sockaddr *)name, sizeof *name) != 0 &&
        errno == ECONNREFUSED) {
        return unlink(name->sun_path) == 0 || failed("replace", name->sun_path, err);
    }
    (void)err_set(err, ERR_INVALID, "another process listens on %s", name->sun_path);
    errno = EADDRINUSE;
    return false;
}

static bool open_unix(const char *path, struct listener *out, struct err *err) {
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    if (!path[0] || strlen(path) >= sizeof name.sun_path) {
        return err_set(err, ERR_INVALID, "unix:%s: the path must have 1 to %zu bytes", path,
                       sizeof name.sun_path - 1);
    }
    memcpy(name.sun_path, path, strlen(path));
    if (!remove_stale(&name, err)) {
        return false;
    }
    CLEANUP(own_close) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    /* Sets the mode before the socket has a name, so that the file never has a wider one. */
    if (fd < 0 || fchmod(fd, SOCKET_MODE) != 0 ||
        bind(fd, (const struct sockaddr *)&name, sizeof name) != 0 ||
        chmod(path, SOCKET_MODE) != 0 || listen(fd, BACKLOG) != 0) {
        return failed("listen on", path, err);
    }
    *out = (struct listener){.fd = take_fd(&fd), .port = 0};
    (void)snprintf(out->path, sizeof out->path, "%s", path);
    return true;
}

/* Splits "[::]:9077" into "::" and "9077". */
static bool split(const char *address, char host[64], const char **port) {
    const char *colon = strrchr(address, ':');
    if (!colon) {
        return false;
    }
    const char *start = address;
    size_t len = (size_t)(colon - address);
    bool bracketed = len >= 2 && start[0] == '[' && start[len - 1] == ']';
    if (bracketed) {
        start++;
        len -= 2;
    }
    if (len == 0 || len >= 64 || (!bracketed && memchr(start, ':', len))) {
        return false;
    }
    memcpy(host, start, len);
    host[len] = '\0';
    *port = colon + 1;
    size_t digits = strspn(*port, "0123456789");
    return digits > 0 && digits <= 5 && !(*port)[digits] && strtoul(*port, NULL, 10) <= 65535;
}

static bool port_of(int fd, unsigned *out) {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } name = {0};
    socklen_t len = sizeof name;
    if (getsockname(fd, &name.any, &len) != 0) {
        return false;
    }
    *out = ntohs(name.any.sa_family == AF_INET6 ? name.v6.sin6_port : name.v4.sin_port);
    return true;
}

static bool open_tcp(const char *address, const struct addrinfo *where, struct listener *out,
                     struct err *err) {
    const int yes = 1;
    const int no = 0;
    struct listener made = {.fd = -1};
    CLEANUP(own_close)
    int fd = socket(where->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0 ||
        (where->ai_family == AF_INET6 &&
         setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no) != 0) ||
        bind(fd, where->ai_addr, where->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0 ||
        !port_of(fd, &made.port)) {
        return failed("listen on", address, err);
    }
    made.fd = take_fd(&fd);
    *out = made;
    return true;
}

static bool open_once(const char *address, struct listener *out, struct err *err) {
    if (strncmp(address, "unix:", 5) == 0) {
        return open_unix(address + 5, out, err);
    }
    char host[64];
    const char *port = NULL;
    const struct addrinfo wanted = {.ai_family = AF_UNSPEC,
                                    .ai_socktype = SOCK_STREAM,
                                    .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE};
    struct addrinfo *found = NULL;
    if (!split(address, host, &port) || getaddrinfo(host, port, &wanted, &found) != 0) {
        return err_set(err, ERR_INVALID,
                       "%s is not an address to listen on: write 0.0.0.0:9077, [::]:9077 or "
                       "unix:/PATH",
                       address);
    }
    bool opened = open_tcp(address, found, out, err);
    freeaddrinfo(found);
    return opened;
}

/* An agent that was killed leaves a listener behind for a moment. */
bool listener_open(const char *address, struct listener *out, struct err *err) {
    const struct timespec pause = {.tv_nsec = PAUSE_NS};
    bool opened = false;
    for (int i = 0; !opened && i < PAUSES_MAX; i++) {
        errno = 0;
        opened = open_once(address, out, err);
        if (!opened && errno != EADDRINUSE) {
            break;
        }
        (void)(opened || clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL));
    }
    return opened;
}
