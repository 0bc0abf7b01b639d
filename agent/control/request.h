/* One request of the control API, and readers of the parts that several handlers need. */
#ifndef LANDWAITER_AGENT_CONTROL_REQUEST_H
#define LANDWAITER_AGENT_CONTROL_REQUEST_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/config/config.h"
#include "agent/pipeline/context.h"
#include "agent/views/document.h"
#include "agent/work/workers.h"
#include "base/buf.h"
#include "base/err.h"

#define CONTROL_ACTOR_SIZE 96

struct MHD_Connection;

/* Borrowed by the handler; pipeline.store is a connection of the request's own. */
struct control_request {
    struct MHD_Connection *connection;
    const char *path; /* the rest of it, after the route's */
    struct buf body;
    bool tcp; /* false: a Unix socket */
    struct pipeline pipeline;
    struct config *config;
    struct workers *workers;
};

/* A parameter of the query; NULL: not given. Valid as long as the request. */
const char *control_request_query(const struct control_request *request, const char *name);
/* `limit`, by default STORE_LIST_MAX. ERR_INVALID: outside 1 to STORE_LIST_MAX. */
bool control_request_limit(const struct control_request *request, size_t *out,
                           struct err *err) MUST_USE;
/* The id that the path begins with. ERR_GONE: not an id of that prefix. */
bool control_request_id(const struct control_request *request, const char *prefix, int64_t *out,
                        struct err *err) MUST_USE;
/* A text of the JSON body; NULL where it is absent or null. ERR_INVALID: another type. */
bool control_request_text(const json_t *body, const char *name, const char **out,
                          struct err *err) MUST_USE;
/* The caller, for the audit trail: on a Unix socket the user that the kernel names. */
void control_request_actor(const struct control_request *request, char out[CONTROL_ACTOR_SIZE]);
/* For documents of pushes and updates. */
struct document_view control_request_view(const struct control_request *request, bool history);
/* Call after an order: wakes the workers and the updates that wait for others, and renews the
 * answers to `push --wait`. */
void control_request_changed(const struct control_request *request);

#endif
