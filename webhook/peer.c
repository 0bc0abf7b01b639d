/* Peers: decides which address counts. Never believes an untrusted peer about another. */
#include "webhook/peer.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#define BITS 128U
#define MAPPED_BITS 96U
#define FORWARDED_MAX 32 /* addresses to consider */

static bool parse_address(const char *text, size_t len, struct in6_addr *out) {
    char copy[INET6_ADDRSTRLEN];
    struct in_addr v4;
    if (len == 0 || len >= sizeof copy) {
        return false;
    }
    memcpy(copy, text, len);
    copy[len] = '\0';
    if (inet_pton(AF_INET, copy, &v4) == 1) {
        *out = (struct in6_addr){.s6_addr = {[10] = 0xff, [11] = 0xff}};
        memcpy(&out->s6_addr[12], &v4, sizeof v4);
        return true;
    }
    return inet_pton(AF_INET6, copy, out) == 1;
}

bool peer_network_parse(const char *text, struct peer_network *out, struct err *err) {
    size_t len = strcspn(text, "/");
    struct peer_network network = {.prefix = BITS};
    bool valid = parse_address(text, len, &network.address);
    unsigned base = valid && IN6_IS_ADDR_V4MAPPED(&network.address) ? MAPPED_BITS : 0;
    if (valid && text[len]) {
        const char *digits = text + len + 1;
        size_t count = strlen(digits);
        valid = count > 0 && count <= 3 && strspn(digits, "0123456789") == count;
        network.prefix = base + (valid ? (unsigned)strtoul(digits, NULL, 10) : 0);
        valid = valid && network.prefix <= BITS;
    }
    if (!valid) {
        return err_set(err, ERR_INVALID,
                       "\"%.60s\" is no address: write one like 127.0.0.1 or 10.0.0.0/8", text);
    }
    *out = network;
    return true;
}

struct peer peer_of(const struct sockaddr *address) {
    struct peer peer = {0};
    if (address && address->sa_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, address, sizeof v4);
        peer.address = (struct in6_addr){.s6_addr = {[10] = 0xff, [11] = 0xff}};
        memcpy(&peer.address.s6_addr[12], &v4.sin_addr, sizeof v4.sin_addr);
    } else if (address && address->sa_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, address, sizeof v6);
        peer.address = v6.sin6_addr;
    }
    return peer;
}

bool peer_equal(const struct peer *a, const struct peer *b) {
    return memcmp(&a->address, &b->address, sizeof a->address) == 0;
}

static bool within(const struct in6_addr *address, const struct peer_network *network) {
    for (unsigned bit = 0; bit < network->prefix; bit++) {
        unsigned mask = 0x80U >> (bit % 8);
        if ((address->s6_addr[bit / 8] & mask) != (network->address.s6_addr[bit / 8] & mask)) {
            return false;
        }
    }
    return true;
}

bool peer_trusted(const struct peer *peer, const struct peer_networks *trusted) {
    if (!trusted || trusted->count == 0) {
        return false;
    }
    if (IN6_IS_ADDR_UNSPECIFIED(&peer->address)) {
        return true;
    }
    for (size_t i = 0; i < trusted->count; i++) {
        if (within(&peer->address, &trusted->items[i])) {
            return true;
        }
    }
    return false;
}

/* Removes the last address from the list. False: none, or not an address. */
static bool last_of(const char *list, size_t *len, struct peer *out) {
    size_t end = *len;
    while (end > 0 && (list[end - 1] == ' ' || list[end - 1] == '\t')) {
        end--;
    }
    size_t begin = end;
    while (begin > 0 && list[begin - 1] != ',') {
        begin--;
    }
    *len = begin > 0 ? begin - 1 : 0;
    while (begin < end && (list[begin] == ' ' || list[begin] == '\t')) {
        begin++;
    }
    return parse_address(list + begin, end - begin, &out->address);
}

struct peer peer_behind(const struct peer *direct, const char *forwarded,
                        const struct peer_networks *trusted) {
    struct peer peer = *direct;
    size_t len = forwarded ? strlen(forwarded) : 0;
    for (int i = 0; i < FORWARDED_MAX && len > 0 && peer_trusted(&peer, trusted); i++) {
        struct peer next;
        if (!last_of(forwarded, &len, &next)) {
            break;
        }
        peer = next;
    }
    return peer;
}

void peer_text(const struct peer *peer, char out[INET6_ADDRSTRLEN]) {
    const struct in6_addr *address = &peer->address;
    bool mapped = IN6_IS_ADDR_V4MAPPED(address);
    if (IN6_IS_ADDR_UNSPECIFIED(address)) {
        memcpy(out, "local", sizeof "local");
    } else {
        (void)inet_ntop(mapped ? AF_INET : AF_INET6,
                        mapped ? &address->s6_addr[12] : address->s6_addr, out, INET6_ADDRSTRLEN);
    }
}
