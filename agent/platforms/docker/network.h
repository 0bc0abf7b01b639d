/* The endpoint part of re-creating a container (docker-engine.md section 5). Pure. */
#ifndef LANDWAITER_AGENT_PLATFORMS_DOCKER_NETWORK_H
#define LANDWAITER_AGENT_PLATFORMS_DOCKER_NETWORK_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"

struct network_plan {
    json_t *endpoints; /* NetworkingConfig.EndpointsConfig for the create call */
    json_t *connect;   /* [{"network": id or name, "body": of the connect call}], after creation */
    char disconnect[256]; /* the network to leave after creation; "": none */
};
void network_plan_release(struct network_plan *plan);

/* Plans from an inspect document, for the dialect 1.minor. The connect bodies lack the
 * container. */
bool network_plan(const json_t *inspect, int minor, struct network_plan *out,
                  struct err *err) MUST_USE;

#endif
