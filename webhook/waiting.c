/* Waiting: owns the choice of the one that must stop waiting. Never answers. */
#include "webhook/waiting.h"

static unsigned limit_of(const struct service *service, enum exchange_wait wait) {
    const unsigned all = service->limits.waiting;
    return wait == EXCHANGE_FOR_PUSH ? all : all / 4 > 0 ? all / 4 : 1;
}

/* Time that is up already counts as no wait. */
static bool counts(const struct exchange *exchange, enum exchange_wait wait) {
    return exchange->wait == wait && exchange->until_ms > 0;
}

static unsigned count_of(const struct service *service, enum exchange_wait wait,
                         const void *owner) {
    unsigned count = 0;
    for (const struct exchange *one = service->waiting; one; one = one->next_waiting) {
        count += counts(one, wait) && one->wait_owner == owner ? 1 : 0;
    }
    return count;
}

/* The oldest wait of the owner with the most of them, if that are more than the other has. */
static struct exchange *greediest(const struct service *service, enum exchange_wait wait,
                                  unsigned others) {
    struct exchange *found = NULL;
    unsigned most = others + 1; /* with one more, both would have as many */
    for (struct exchange *one = service->waiting; one; one = one->next_waiting) {
        const unsigned count = counts(one, wait) ? count_of(service, wait, one->wait_owner) : 0;
        if (count > most || (found && count == most)) { /* the oldest stands last in the list */
            most = count;
            found = one;
        }
    }
    return found;
}

bool waiting_room(struct exchange *exchange, enum exchange_wait wait, const void *owner) {
    struct service *service = exchange->service;
    exchange->wait_owner = owner;
    if (service->waiting_count[wait] < limit_of(service, wait)) {
        return true;
    }
    struct exchange *other = greediest(service, wait, count_of(service, wait, owner));
    if (!other) {
        return false;
    }
    other->until_ms = 0;
    service->run_again = true;
    return true;
}
