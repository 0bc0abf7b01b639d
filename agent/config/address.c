/* Addresses and paths: owns their grammar. Opens nothing; only checks whether a file can be read.
 * Binding an address is the server's. */
#include <arpa/inet.h>
#include <errno.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/config/keys.h"

#define UNIX_PREFIX "unix:"
#define PATH_LENGTH_MAX 4095
/* The kernel needs the closing zero inside sun_path. */
#define SOCKET_PATH_MAX (sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1)

bool config_address_is_socket(const char *address) {
    return strncmp(address, UNIX_PREFIX, strlen(UNIX_PREFIX)) == 0;
}

bool config_address_is_local(const char *address) {
    return config_address_is_socket(address) || strncmp(address, "127.", 4) == 0 ||
           strncmp(address, "[::1]:", 6) == 0 || strncmp(address, "localhost:", 10) == 0;
}

static bool port_valid(const char *text, int least) {
    size_t len = strlen(text);
    if (len == 0 || len > 5 || strspn(text, "0123456789") != len) {
        return false;
    }
    long port = strtol(text, NULL, 10);
    return port >= least && port <= UINT16_MAX;
}

/* An IPv4 address, or a name for the resolver. */
static bool name_valid(const char *text, size_t len) {
    char name[256];
    if (len == 0 || len >= sizeof name || text[0] == '-' || text[0] == '.') {
        return false;
    }
    memcpy(name, text, len);
    name[len] = '\0';
    struct in_addr address;
    bool numeric = strspn(name, "0123456789.") == len;
    if (numeric) {
        return inet_pton(AF_INET, name, &address) == 1;
    }
    return strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.") == len;
}

static bool ipv6_valid(const char *text, size_t len) {
    char name[INET6_ADDRSTRLEN];
    struct in6_addr address;
    if (len >= sizeof name) {
        return false;
    }
    memcpy(name, text, len);
    name[len] = '\0';
    return inet_pton(AF_INET6, name, &address) == 1;
}

/* HOST:PORT or [IPv6]:PORT. */
static bool host_port_valid(const char *text, int least_port) {
    const char *colon = strrchr(text, ':');
    if (!colon || !port_valid(colon + 1, least_port)) {
        return false;
    }
    size_t len = (size_t)(colon - text);
    if (text[0] == '[') {
        return len > 2 && text[len - 1] == ']' && ipv6_valid(text + 1, len - 2);
    }
    return name_valid(text, len);
}

static bool socket_path_check(const char *path, struct err *err) {
    if (!*path) {
        return err_set(err, ERR_INVALID, "the socket has no path: write unix:PATH");
    }
    if (strlen(path) > SOCKET_PATH_MAX) {
        return err_set(err, ERR_INVALID, "the socket's path is longer than %zu bytes: shorten it",
                       SOCKET_PATH_MAX);
    }
    return true;
}

bool config_check_listen(const char *text, struct err *err) {
    if (config_address_is_socket(text)) {
        return socket_path_check(text + strlen(UNIX_PREFIX), err);
    }
    return host_port_valid(text, 0) ||
           err_set(err, ERR_INVALID,
                   "this is not an address: write HOST:PORT like 0.0.0.0:9077, [IPV6]:PORT, or "
                   "unix:PATH");
}

bool config_check_docker_host(const char *text, struct err *err) {
    static const char unix_scheme[] = "unix://", tcp_scheme[] = "tcp://";
    if (strncmp(text, unix_scheme, strlen(unix_scheme)) == 0) {
        const char *path = text + strlen(unix_scheme);
        if (*path != '/') {
            return err_set(err, ERR_INVALID,
                           "the socket's path is not absolute: write unix:///PATH");
        }
        return socket_path_check(path, err);
    }
    if (strncmp(text, tcp_scheme, strlen(tcp_scheme)) == 0) {
        return host_port_valid(text + strlen(tcp_scheme), 1) ||
               err_set(err, ERR_INVALID, "this is not an address: write tcp://HOST:PORT");
    }
    return err_set(err, ERR_INVALID,
                   "only sockets and tcp are supported: write unix:///var/run/docker.sock or "
                   "tcp://HOST:PORT");
}

bool config_check_path(const char *text, struct err *err) {
    return strlen(text) <= PATH_LENGTH_MAX ||
           err_set(err, ERR_INVALID, "the path is longer than %d bytes: shorten it",
                   PATH_LENGTH_MAX);
}

bool config_check_readable(const char *text, struct err *err) {
    if (!config_check_path(text, err)) {
        return false;
    }
    return access(text, R_OK) == 0 ||
           err_set(err, ERR_INVALID, "cannot read %.150s: %s", text, strerror(errno));
}
