/* Status requests: GET /v1/pushes/ID[?wait=SECONDS], /healthz, /readyz; and the list of those that
 * wait. */
#ifndef LANDWAITER_WEBHOOK_INQUIRY_H
#define LANDWAITER_WEBHOOK_INQUIRY_H

#include "webhook/exchange.h"

#define INQUIRY_WAIT_MAX_S 300
#define INQUIRY_READY_MAX_MS 5000

enum inquiry_review {
    INQUIRY_OVERDUE, /* answer those whose time is up */
    INQUIRY_CHANGED, /* something changed: recheck all */
    INQUIRY_LAST,    /* the server stops: answer all with the present state */
};

/* Sets the answer, or suspends. */
void inquiry_begin(struct exchange *exchange);
void inquiry_review(struct service *service, enum inquiry_review review);
/* The next deadline (CLOCK_BOOTTIME), or -1. */
int64_t inquiry_next_ms(const struct service *service) MUST_USE;

#endif
