/* Places: who has a connection, and who must leave when there are too many: never one that has
 * proved a sender's word while another has proved nothing, and first those of an address that has
 * more than others. Addresses of IPv6 count by /64. Pure: opens and closes nothing; all but
 * places_init takes constant time. */
#ifndef LANDWAITER_WEBHOOK_PLACES_H
#define LANDWAITER_WEBHOOK_PLACES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "webhook/peer.h"

#define PLACES_SLOTS 2048
#define PLACES_REMEMBERED 1024                       /* addresses without a connection */
#define PLACES_REMEMBER_MS (INT64_C(15) * 60 * 1000) /* since an address's last proof */

struct place_link {
    struct place *previous, *next;
};

struct place_list {
    struct place *first, *last; /* by age */
    size_t count;
};

struct place_address {
    struct peer key;
    struct place_list here;
    size_t leaving;     /* connections that were told to go */
    size_t body_memory; /* of unproven bodies (body.h) */
    int64_t proved_ms;  /* CLOCK_BOOTTIME of the last proof; 0: none */
    struct place_address *next_in_slot;
    struct place_address *older, *newer; /* among the remembered ones */
    bool remembered;
};

/* Part of a connection. */
struct place {
    void *owner;            /* the caller's */
    struct place_link all;  /* in the list of its kind */
    struct place_link here; /* in its address's list */
    /* NULL: of a proxy, between two requests. Valid until places_move or places_leave. */
    struct place_address *address;
    bool taken;
    bool proven;
    bool pinned;  /* must stay: its answer is on the way */
    bool leaving; /* was told to go, and has not gone yet */
};

struct places {
    size_t max, unproven_max, share; /* in all, that have proved nothing, of one address */
    size_t leaving, addresses;       /* addresses: with at least one connection */
    struct place_list unknown, unproven, proven; /* unknown: without an address, unproven as well */
    struct place_address **slots;
    struct place_address *oldest, *newest; /* remembered */
    size_t remembered;
    uint64_t seed;
};

/* share: at most this many connections of one address. False: out of memory. */
bool places_init(struct places *places, size_t max, size_t share) MUST_USE;
/* No place may be taken any more. */
void places_release(struct places *places);

/* peer: NULL if it is not known yet. False: out of memory. */
bool places_enter(struct places *places, struct place *place, const struct peer *peer,
                  int64_t now_ms) MUST_USE; /* keeps owner and pinned */
void places_leave(struct places *places, struct place *place);
/* The next request of this connection is that peer's (NULL: not known yet); it has proved nothing,
 * and is the youngest. Out of memory: it counts for no address. */
void places_move(struct places *places, struct place *place, const struct peer *peer,
                 int64_t now_ms);
/* Makes it the youngest. */
void places_renew(struct places *places, struct place *place);
/* The connection's request was authenticated. */
void places_prove(struct places *places, struct place *place, int64_t now_ms);

/* The connections that have a place. */
size_t places_count(const struct places *places);
/* Somebody who must go because of this newcomer, perhaps itself; it is taken off the lists, and
 * counts as leaving until places_leave. NULL: there is room. */
struct place *places_surplus(struct places *places, struct place *newcomer) MUST_USE;

#endif
