/* Serves the control API (interface.md section 5) on the control address, for the commands of a
 * person at the host. On a Unix socket the file's mode authenticates; TCP requires a bearer token.
 * Each connection has its own thread, so that a plan that asks a slow registry delays no other. */
#ifndef LANDWAITER_AGENT_CONTROL_SERVER_H
#define LANDWAITER_AGENT_CONTROL_SERVER_H

#include "agent/config/config.h"
#include "agent/replicas/replicas.h"
#include "agent/work/workers.h"
#include "base/err.h"

struct control_server;

/* Listens and serves. replicas: NULL with a single replica. */
bool control_server_new(struct config *config, struct workers *workers, struct replicas *replicas,
                        struct control_server **out, struct err *err) MUST_USE;
/* Serves only the metrics, without authentication, at config->metrics. */
bool control_server_metrics(struct config *config, struct workers *workers,
                            struct control_server **out, struct err *err) MUST_USE;
void control_server_free(struct control_server *server);

#endif
