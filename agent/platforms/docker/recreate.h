/* The heart of the Docker driver: the inspect documents of the old container and of its image, to
 * the body that creates the same container from another image (docker-engine.md sections 2 to 6).
 * Pure: the result is what the user would get by the same `docker create` arguments with the new
 * image. */
#ifndef LANDWAITER_AGENT_PLATFORMS_DOCKER_RECREATE_H
#define LANDWAITER_AGENT_PLATFORMS_DOCKER_RECREATE_H

#include <jansson.h>
#include <stdbool.h>

#include "agent/platforms/docker/network.h"
#include "base/err.h"

struct recreate_input {
    const json_t *container; /* GET /containers/ID/json */
    const json_t *image;     /* GET /images/ID/json of the image that it was made from */
    const json_t *providers; /* array: the inspect documents of the containers whose volumes it
                                borrows (VolumesFrom); may be NULL */
    const char *image_name;  /* what the new one is made from */
    const char *image_id;    /* the new image's id */
    const char *engine_name; /* the engine's own host name, where NetworkMode is host; or NULL */
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
