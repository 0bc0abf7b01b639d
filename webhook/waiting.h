/* Shares of waits: where many want to wait, those with the most waits of a kind give way to those
 * with fewer. */
#ifndef LANDWAITER_WEBHOOK_WAITING_H
#define LANDWAITER_WEBHOOK_WAITING_H

#include "webhook/exchange.h"

/* May the exchange wait, on that owner's account? Perhaps another one's time is up because of it;
 * the next review answers that one. Sets the exchange's owner. */
bool waiting_room(struct exchange *exchange, enum exchange_wait wait, const void *owner) MUST_USE;

#endif
