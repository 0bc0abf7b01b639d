/* POST /hooks/SENDER: authenticates, parses, authorizes, stores together with the other deliveries
 * of the turn, and answers. */
#ifndef LANDWAITER_WEBHOOK_DELIVERY_H
#define LANDWAITER_WEBHOOK_DELIVERY_H

#include "webhook/exchange.h"

/* Call after the header: finds the sender, and makes the checks that need no body. */
void delivery_begin(struct exchange *exchange);
/* Call after the body: sets the answer, or adds the delivery to the batch. */
void delivery_finish(struct exchange *exchange);
/* Rechecks a delivery that waits for its issuer's keys. last: it must not wait any longer. */
void delivery_review(struct exchange *exchange, bool last);
/* Stores the batch through the backend, then answers it. */
void delivery_commit(struct service *service);

#endif
