/* The core of the Docker driver: makes, from the inspect documents of the old container and its
 * image, the body that creates the same container from another image (docker-engine.md sections 2
 * to 6). Pure: the result equals that of the owner's `docker create` with the new image. */
#ifndef LANDWAITER_AGENT_PLATFORMS_DOCKER_RECREATE_H
#define LANDWAITER_AGENT_PLATFORMS_DOCKER_RECREATE_H

#include <jansson.h>
#include <stdbool.h>

#include "agent/platforms/docker/network.h"
#include "base/err.h"

struct recreate_input {
    const json_t *container; /* GET /containers/ID/json */
    const json_t *image;     /* GET /images/ID/json of its image */
    const json_t *providers; /* array: the inspect documents of the containers whose volumes it
                                borrows (VolumesFrom); may be NULL */
    const char *image_name;  /* of the new image, "repo:tag" */
    const char *image_id;    /* of the new image */
    const char *engine_name; /* the engine's host name for NetworkMode host; or NULL */
    int minor;               /* of the dialect, 1.minor */
};

struct recreate_plan {
    json_t *body; /* of POST /containers/create */
    struct network_plan network;
};
void recreate_plan_release(struct recreate_plan *plan);

bool recreate_plan(const struct recreate_input *input, struct recreate_plan *out,
                   struct err *err) MUST_USE;

#endif
