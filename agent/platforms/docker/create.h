/* Makes the new container beside the old one, which still serves. */
#ifndef LANDWAITER_AGENT_PLATFORMS_DOCKER_CREATE_H
#define LANDWAITER_AGENT_PLATFORMS_DOCKER_CREATE_H

#include "agent/platforms/docker/engine.h"
#include "base/err.h"

struct create_order {
    const char *old_id; /* the container to copy */
    const char *name;   /* of the new container; an incomplete one of that name is removed first */
    const char *image;  /* "repo:tag" */
    const char *image_id; /* the expected image of that tag */
    char id[80];          /* out: of the new container */
    bool tag_moved;       /* out: failed because the tag is another image now */
};
/* Creates and connects the container without starting it; removes it again on failure. ERR_INVALID:
 * the engine refused, so that a retry would not help; ERR_TRANSIENT: the tag was moved. */
bool create_container(struct engine *engine, struct create_order *order, struct err *err) MUST_USE;

/* Removes a container that never served, with its anonymous volumes. True also if there is none. */
bool create_remove(struct engine *engine, const char *id_or_name, struct err *err) MUST_USE;

#endif
