/* Origins: decides about a Host header. Resolves nothing. */
#include "agent/control/origin.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#define NAME_SIZE 256

/* The length of the host in "host", "host:port" or "[address]:port"; 0: it is none of them. */
static size_t host_len(const char *text) {
    const bool bracketed = text[0] == '[';
    const size_t len = bracketed ? strcspn(text, "]") : strcspn(text, ":");
    const char *rest = text + len + (bracketed && text[len] ? 1 : 0);
    const bool ends = !rest[0] || (rest[0] == ':' && !rest[1 + strspn(rest + 1, "0123456789")]);
    return ends && (!bracketed || text[len]) ? len : 0;
}

/* Copies it without brackets and without the dot of a root. False: there is none. */
static bool host_of(const char *text, char out[NAME_SIZE]) {
    const size_t skipped = text[0] == '[' ? 1 : 0;
    size_t len = host_len(text);
    len -= len > skipped ? skipped : len;
    if (len == 0 || len >= NAME_SIZE) {
        return false;
    }
    memcpy(out, text + skipped, len);
    out[len > 1 && out[len - 1] == '.' ? len - 1 : len] = '\0';
    return true;
}

static bool is_address(const char *name) {
    unsigned char bytes[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, name, bytes) == 1 || inet_pton(AF_INET6, name, bytes) == 1;
}

static bool ends_with(const char *name, const char *end) {
    const size_t name_len = strlen(name);
    const size_t end_len = strlen(end);
    return name_len > end_len && strcasecmp(name + name_len - end_len, end) == 0;
}

static bool is_private(const char *name) {
    /* RFC 6761, 6762, 8375 and ICANN's `internal`; a cluster's services; `lan`, which no registry
     * gives away, as many routers use it. */
    static const char *const ends[] = {".localhost", ".local",         ".home.arpa", ".internal",
                                       ".svc",       ".cluster.local", ".lan"};
    if (!strchr(name, '.')) {
        return true;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(ends); i++) {
        if (ends_with(name, ends[i])) {
            return true;
        }
    }
    return false;
}

bool origin_trusted(const char *host, const char *listen, const char *machine) {
    char name[NAME_SIZE];
    char own[NAME_SIZE];
    if (!host || !host[0]) {
        return true; /* no browser sends that */
    }
    if (!host_of(host, name)) {
        return false;
    }
    return is_address(name) || is_private(name) || strcasecmp(name, machine) == 0 ||
           (host_of(listen, own) && strcasecmp(name, own) == 0);
}
