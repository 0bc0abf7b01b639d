/* The peer's address, or the address that trusted proxies name (interface.md section 2,
 * `trusted_proxies`). Pure. */
#ifndef LANDWAITER_WEBHOOK_PEER_H
#define LANDWAITER_WEBHOOK_PEER_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* IPv4 as ::ffff:a.b.c.d. All zero: no address (a socket file). */
struct peer {
    struct in6_addr address;
};

struct peer_network {
    struct in6_addr address;
    unsigned prefix; /* bits of the 128 */
};

struct peer_networks {
    struct peer_network *items;
    size_t count;
};

/* "127.0.0.1", "10.0.0.0/8", "fd00::/8". ERR_INVALID says what to write. */
bool peer_network_parse(const char *text, struct peer_network *out, struct err *err) MUST_USE;

struct peer peer_of(const struct sockaddr *address); /* NULL: a peer on a socket file */
bool peer_equal(const struct peer *a, const struct peer *b) MUST_USE;
/* Is the peer trusted? A peer on a socket file is trusted if any address is. */
bool peer_trusted(const struct peer *peer, const struct peer_networks *trusted) MUST_USE;
/* Applies X-Forwarded-For from the right, as long as the entries are trusted; an entry that is no
 * address ends it. forwarded may be NULL. */
struct peer peer_behind(const struct peer *direct, const char *forwarded,
                        const struct peer_networks *trusted);
/* "192.0.2.7", "local". */
void peer_text(const struct peer *peer, char out[INET6_ADDRSTRLEN]);

#endif
