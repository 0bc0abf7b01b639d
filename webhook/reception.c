/* Reception: owns the choice of the body that must go. Never interprets a body. */
#include "webhook/reception.h"

void reception_begin(struct exchange *exchange) {
    struct service *service = exchange->service;
    struct place_address *address = exchange->place.address;
    size_t *account = address ? &address->body_memory : &service->unaccounted;
    body_begin(&exchange->body, exchange->proven ? NULL : account);
    if (!exchange->sender) {
        body_discard(&exchange->body);
    }
    exchange->body_since_ms = service->boot_ms;
    exchange_arm(exchange, EXCHANGE_BODY);
}

/* Has one a lower rate than the other? */
static bool slower(const struct exchange *one, const struct exchange *other, int64_t now_ms) {
    const uint64_t one_ms = (uint64_t)(now_ms - one->body_since_ms) + 1;
    const uint64_t other_ms = (uint64_t)(now_ms - other->body_since_ms) + 1;
    return one->body.len * other_ms < other->body.len * one_ms;
}

/* The slowest body among those that could give memory to this one; perhaps itself. */
static struct exchange *slowest(struct exchange *exchange, bool of_address) {
    struct exchange *found = exchange;
    for (struct exchange *one = exchange->service->opened; one; one = one->next_open) {
        const struct body *body = &one->body;
        const bool gives = one->stage == EXCHANGE_RECEIVING && body->capacity > BODY_SMALL &&
                           body->pool == exchange->body.pool &&
                           (!of_address || body->account == exchange->body.account);
        if (gives && slower(one, found, exchange->service->boot_ms)) {
            found = one;
        }
    }
    return found;
}

static enum MHD_Result give_up(struct exchange *exchange) {
    exchange_event(exchange, "unavailable", "memory for bodies is full");
    return exchange_abort(exchange, MHD_HTTP_SERVICE_UNAVAILABLE, "busy; send it again");
}

enum MHD_Result reception_take(struct exchange *exchange, const char *bytes, size_t len) {
    enum body_result result;
    while ((result = body_add(&exchange->body, &exchange->service->memory, bytes, len)) !=
           BODY_ADDED) {
        if (result == BODY_TOO_LARGE) {
            exchange_event(exchange, "too-large", NULL);
            return exchange_abort(exchange, MHD_HTTP_CONTENT_TOO_LARGE,
                                  "the body is larger than 1 MiB");
        }
        struct exchange *other = slowest(exchange, result == BODY_SHARE_FULL);
        if (other == exchange) {
            return give_up(exchange);
        }
        exchange_event(other, "unavailable", "memory for bodies is full");
        exchange_let_go(other, MHD_HTTP_SERVICE_UNAVAILABLE, "busy; send it again");
    }
    return MHD_YES;
}

static bool fast_enough(const struct exchange *exchange) {
    const struct webhook_limits *limits = &exchange->service->limits;
    const int64_t took_ms = exchange->service->boot_ms - exchange->body_since_ms;
    const int64_t earned_ms = (int64_t)(exchange->body.len * 1000 / RECEPTION_LEAST);
    return took_ms < limits->request_ms && took_ms < limits->body_grace_ms + earned_ms;
}

void reception_overdue(struct exchange *exchange, enum exchange_term term) {
    if (term == EXCHANGE_BODY && fast_enough(exchange)) {
        exchange_arm(exchange, EXCHANGE_BODY);
    } else {
        exchange_let_go(exchange, MHD_HTTP_REQUEST_TIMEOUT, "the body comes too slowly");
    }
}
