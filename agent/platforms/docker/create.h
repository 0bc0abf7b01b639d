/* Making the new container beside the old one: everything that can be done while the old one still
 * serves. */
#ifndef LANDWAITER_AGENT_PLATFORMS_DOCKER_CREATE_H
#define LANDWAITER_AGENT_PLATFORMS_DOCKER_CREATE_H

#include "agent/platforms/docker/engine.h"
#include "base/err.h"

struct create_order {
    const char *old_id;   /* the container to follow */
    const char *name;     /* of the new one; a half-made one of that name is removed first */
    const char *image;    /* "repo:tag" */
    const char *image_id; /* what that tag must be */
    char id[80];          /* out: the new one's */
    bool tag_moved;       /* out: it failed because that tag is another image now */
};
/* Creates and connects it; not started. A container left by a failure is removed again. Any refusal
 * of the engine is ERR_INVALID: asking again would not help; a moved tag is ERR_TRANSIENT. */
bool create_container(struct engine *engine, struct create_order *order, struct err *err) MUST_USE;

/* Removes a container that was never good, with its anonymous volumes. True also when there is
 * none. */
bool create_remove(struct engine *engine, const char *id_or_name, struct err *err) MUST_USE;

#endif
