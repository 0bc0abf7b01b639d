/* Places: owns the table of addresses, and the lists of connections by age. Never looks at a
 * request. */
#include "webhook/places.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/own.h"

#define LOOKED_AT 128 /* candidates that are compared */

/* ---- lists ---- */

static struct place_link *link_of(struct place *place, bool here) {
    return here ? &place->here : &place->all;
}

static void append(struct place_list *list, struct place *place, bool here) {
    struct place_link *link = link_of(place, here);
    *link = (struct place_link){.previous = list->last};
    if (list->last) {
        link_of(list->last, here)->next = place;
    } else {
        list->first = place;
    }
    list->last = place;
    list->count++;
}

static void cut(struct place_list *list, struct place *place, bool here) {
    const struct place_link link = *link_of(place, here);
    if (link.previous) {
        link_of(link.previous, here)->next = link.next;
    } else {
        list->first = link.next;
    }
    if (link.next) {
        link_of(link.next, here)->previous = link.previous;
    } else {
        list->last = link.previous;
    }
    list->count--;
    *link_of(place, here) = (struct place_link){0};
}

static struct place_list *kind_of(struct places *places, const struct place *place) {
    struct place_list *unproven = place->address ? &places->unproven : &places->unknown;
    return place->proven ? &places->proven : unproven;
}

/* ---- addresses ---- */

static struct peer key_of(const struct peer *peer) {
    struct peer key = *peer;
    if (!IN6_IS_ADDR_V4MAPPED(&key.address)) {
        memset(&key.address.s6_addr[8], 0, 8);
    }
    return key;
}

static struct place_address **slot_of(const struct places *places, const struct peer *key) {
    uint64_t hash = places->seed ^ UINT64_C(14695981039346656037); /* FNV-1a */
    for (size_t i = 0; i < sizeof key->address.s6_addr; i++) {
        hash = (hash ^ key->address.s6_addr[i]) * UINT64_C(1099511628211);
    }
    return &places->slots[(hash ^ (hash >> 32)) % PLACES_SLOTS];
}

static void forget(struct places *places, struct place_address *address) {
    struct place_address **at = slot_of(places, &address->key);
    while (*at != address) {
        at = &(*at)->next_in_slot;
    }
    *at = address->next_in_slot;
    free(address);
}

static void leave_memory(struct places *places, struct place_address *address) {
    *(address->older ? &address->older->newer : &places->oldest) = address->newer;
    *(address->newer ? &address->newer->older : &places->newest) = address->older;
    address->older = address->newer = NULL;
    address->remembered = false;
    places->remembered--;
}

/* The address has no connection any more: keeps it if it has proved a sender's word. */
static void remember(struct places *places, struct place_address *address) {
    places->addresses--;
    if (address->proved_ms == 0) {
        forget(places, address);
        return;
    }
    if (places->remembered == PLACES_REMEMBERED) {
        struct place_address *oldest = places->oldest;
        leave_memory(places, oldest);
        forget(places, oldest);
    }
    address->remembered = true;
    address->older = places->newest;
    *(places->newest ? &places->newest->newer : &places->oldest) = address;
    places->newest = address;
    places->remembered++;
}

static struct place_address *address_of(struct places *places, const struct peer *peer) {
    const struct peer key = key_of(peer);
    struct place_address **slot = slot_of(places, &key);
    struct place_address *address = *slot;
    while (address && !peer_equal(&address->key, &key)) {
        address = address->next_in_slot;
    }
    if (!address) {
        address = calloc(1, sizeof *address);
        if (!address) {
            return NULL;
        }
        address->key = key;
        address->next_in_slot = *slot;
        *slot = address;
    } else if (address->remembered) {
        leave_memory(places, address);
    } else {
        return address;
    }
    places->addresses++;
    return address;
}

static bool proved_lately(const struct place_address *address, int64_t now_ms) {
    return address && address->proved_ms > 0 && now_ms - address->proved_ms < PLACES_REMEMBER_MS;
}

/* ---- coming and going ---- */

bool places_init(struct places *places, size_t max, size_t share) {
    *places = (struct places){.max = max, .share = share, .unproven_max = max - max / 4};
    places->slots = calloc(PLACES_SLOTS, sizeof(struct place_address *));
    /* Without a seed the table is slower under attack, and no less right. */
    (void)!getrandom(&places->seed, sizeof places->seed, GRND_NONBLOCK);
    return places->slots != NULL;
}

void places_release(struct places *places) {
    while (places->oldest) {
        struct place_address *oldest = places->oldest;
        leave_memory(places, oldest);
        forget(places, oldest);
    }
    free((void *)places->slots);
    *places = (struct places){0};
}

static void settle(struct places *places, struct place *place, struct place_address *address,
                   int64_t now_ms) {
    place->address = address;
    if (address) {
        append(&address->here, place, true);
    }
    place->proven = proved_lately(address, now_ms);
    append(kind_of(places, place), place, false);
}

/* Nobody may use the address any more. */
static void give_back(struct places *places, struct place *place) {
    struct place_address *address = TAKE(place->address);
    if (address && address->here.count == 0 && address->leaving == 0) {
        remember(places, address);
    }
}

static void unlist(struct places *places, struct place *place) {
    cut(kind_of(places, place), place, false);
    if (place->address) {
        cut(&place->address->here, place, true);
    }
}

bool places_enter(struct places *places, struct place *place, const struct peer *peer,
                  int64_t now_ms) {
    struct place_address *address = peer ? address_of(places, peer) : NULL;
    if (peer && !address) {
        return false;
    }
    place->taken = true;
    settle(places, place, address, now_ms);
    return true;
}

void places_leave(struct places *places, struct place *place) {
    if (place->leaving) {
        places->leaving--;
        if (place->address) {
            place->address->leaving--;
        }
    } else if (place->taken) {
        unlist(places, place);
    }
    give_back(places, place);
    *place = (struct place){0};
}

void places_move(struct places *places, struct place *place, const struct peer *peer,
                 int64_t now_ms) {
    if (place->taken && !place->leaving) {
        /* In this order: an address that stays the same is not forgotten in between. */
        struct place_address *address = peer ? address_of(places, peer) : NULL;
        if (address != place->address) {
            unlist(places, place);
            give_back(places, place);
            settle(places, place, address, now_ms);
        } else {
            places_renew(places, place);
        }
    }
}

void places_renew(struct places *places, struct place *place) {
    if (place->taken && !place->leaving) {
        cut(kind_of(places, place), place, false);
        append(kind_of(places, place), place, false);
    }
}

void places_prove(struct places *places, struct place *place, int64_t now_ms) {
    if (!place->taken || place->leaving) {
        return;
    }
    cut(kind_of(places, place), place, false);
    place->proven = true;
    append(kind_of(places, place), place, false);
    if (place->address) {
        place->address->proved_ms = now_ms > 0 ? now_ms : 1;
        cut(&place->address->here, place, true); /* behind those that have proved nothing */
        append(&place->address->here, place, true);
    }
}

/* ---- who must go ---- */

/* The oldest of the list that may go; one that has proved nothing, if there is any. */
static struct place *of_address(const struct place_list *here) {
    struct place *proven = NULL;
    size_t looked = 0;
    for (struct place *at = here->first; at && looked < LOOKED_AT; at = at->here.next, looked++) {
        if (!at->pinned && !at->proven) {
            return at;
        }
        proven = !at->pinned && !proven ? at : proven;
    }
    return proven;
}

size_t places_count(const struct places *places) {
    return places->unknown.count + places->unproven.count + places->proven.count;
}

/* The oldest of the list that may go; with greedy, of an address that has more than its part. */
static struct place *of_all(const struct places *places, const struct place_list *list,
                            bool greedy) {
    const size_t count = places->unproven.count + places->proven.count; /* with an address */
    size_t looked = 0;
    for (struct place *at = list->first; at && looked < LOOKED_AT; at = at->all.next, looked++) {
        const bool much = at->address && at->address->here.count * places->addresses > count;
        if (!at->pinned && (much || !greedy)) {
            return at;
        }
    }
    return NULL;
}

/* A proxy may be about to use a connection without an address, so those of greedy addresses go
 * before it. */
static struct place *unproven_one(const struct places *places) {
    struct place *victim = of_all(places, &places->unproven, true);
    victim = victim ? victim : of_all(places, &places->unknown, false);
    return victim ? victim : of_all(places, &places->unproven, false);
}

static struct place *proven_one(const struct places *places) {
    struct place *victim = of_all(places, &places->proven, true);
    return victim ? victim : of_all(places, &places->proven, false);
}

static struct place *too_many(const struct places *places, const struct place *newcomer) {
    const struct place_address *address = newcomer->address;
    if (address && address->here.count > places->share) {
        return of_address(&address->here);
    }
    const bool full = places_count(places) > places->max;
    if (!full && places->unknown.count + places->unproven.count <= places->unproven_max) {
        return NULL;
    }
    struct place *victim = unproven_one(places);
    return victim || !full ? victim : proven_one(places);
}

struct place *places_surplus(struct places *places, struct place *newcomer) {
    struct place *victim =
        newcomer->taken && !newcomer->leaving ? too_many(places, newcomer) : NULL;
    if (victim) {
        unlist(places, victim);
        victim->leaving = true;
        places->leaving++;
        if (victim->address) {
            victim->address->leaving++;
        }
    }
    return victim;
}
