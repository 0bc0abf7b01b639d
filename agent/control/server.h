/* The control API (interface.md section 5) on the control address: what the commands of a person at
 * the host talk to. On a Unix socket the file's mode is the authentication; on TCP a bearer token
 * is required. Each connection has a thread of its own, so that a plan that asks a slow registry
 * holds up nobody. */
#ifndef LANDWAITER_AGENT_CONTROL_SERVER_H
#define LANDWAITER_AGENT_CONTROL_SERVER_H

#include "agent/config/config.h"
#include "agent/replicas/replicas.h"
#include "agent/work/workers.h"
#include "base/err.h"

struct control_server;

/* Listens and serves. replicas: NULL with one. */
bool control_server_new(struct config *config, struct workers *workers, struct replicas *replicas,
                        struct control_server **out, struct err *err) MUST_USE;
/* The metrics alone, to whoever asks, at config->metrics. */
bool control_server_metrics(struct config *config, struct workers *workers,
                            struct control_server **out, struct err *err) MUST_USE;
void control_server_free(struct control_server *server);

#endif
