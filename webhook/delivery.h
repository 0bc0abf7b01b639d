/* POST /hooks/SENDER: authenticate, parse, allow, store together with the others of this turn,
 * answer. */
#ifndef LANDWAITER_WEBHOOK_DELIVERY_H
#define LANDWAITER_WEBHOOK_DELIVERY_H

#include "webhook/exchange.h"

/* The header is there: finds the sender, and checks what needs no body. */
void delivery_begin(struct exchange *exchange);
/* The body is there too: sets the answer, or puts the delivery into the batch. */
void delivery_finish(struct exchange *exchange);
/* One that waits for its issuer's keys: they may have come. last: it waits no longer. */
void delivery_review(struct exchange *exchange, bool last);
/* Has the backend store the batch, then answers it: persist, then reply. */
void delivery_commit(struct service *service);

#endif
