/* The reception of a request's body: its least rate, and the memory that it may take. */
#ifndef LANDWAITER_WEBHOOK_RECEPTION_H
#define LANDWAITER_WEBHOOK_RECEPTION_H

#include "webhook/exchange.h"

#define RECEPTION_LEAST 1024 /* bytes a second, behind a time of grace */

/* The header is judged. Nothing is kept of the body of a request that is refused already. */
void reception_begin(struct exchange *exchange);
/* Appends to the body, within libmicrohttpd's handler. When memory is short, the slowest body must
 * go, perhaps this one. */
enum MHD_Result reception_take(struct exchange *exchange, const char *bytes, size_t len);
/* The exchange's deadline has passed: closes the connection, unless its body came fast enough. */
void reception_overdue(struct exchange *exchange, enum exchange_term term);

#endif
