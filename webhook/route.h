/* libmicrohttpd's access handler: checks framing, then path and method, then dispatches. */
#ifndef LANDWAITER_WEBHOOK_ROUTE_H
#define LANDWAITER_WEBHOOK_ROUTE_H

#include "webhook/exchange.h"

/* MHD_AccessHandlerCallback; cls is the service. */
enum MHD_Result route_handle(void *cls, struct MHD_Connection *connection, const char *url,
                             const char *method, const char *version, const char *bytes,
                             size_t *len, void **state);

#endif
