/* What is asked of us: GET /v1/pushes/ID[?wait=SECONDS], /healthz, /readyz; and those of these
 * requests that wait for their answer. */
#ifndef LANDWAITER_WEBHOOK_INQUIRY_H
#define LANDWAITER_WEBHOOK_INQUIRY_H

#include "webhook/exchange.h"

#define INQUIRY_WAIT_MAX_S 300
#define INQUIRY_READY_MAX_MS 5000

enum inquiry_review {
    INQUIRY_OVERDUE, /* only those whose time is up */
    INQUIRY_CHANGED, /* something changed: all are looked at */
    INQUIRY_LAST,    /* the server stops: all are answered with what is known */
};

/* Sets the answer, or suspends. */
void inquiry_begin(struct exchange *exchange);
void inquiry_review(struct service *service, enum inquiry_review review);
/* When the next one that waits is overdue (CLOCK_BOOTTIME), or -1. */
int64_t inquiry_next_ms(const struct service *service) MUST_USE;

#endif
