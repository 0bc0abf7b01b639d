/* The step `tag` of a swap: moves the local tag to the new image, so that the owner's compose file
 * or script names what runs. */
#ifndef LANDWAITER_AGENT_PLATFORMS_DOCKER_TAG_H
#define LANDWAITER_AGENT_PLATFORMS_DOCKER_TAG_H

#include "agent/platforms/docker/engine.h"
#include "agent/platforms/platform.h"

bool tag_run(struct platform_task *task, struct err *err) MUST_USE;
/* Puts the tag back, unless somebody has moved it since. */
bool tag_undo(struct platform_task *task, struct err *err) MUST_USE;

/* Gives the tag in `image` ("repo:tag") to the image with that id. */
bool tag_move(struct engine *engine, const char *id, const char *image, struct err *err) MUST_USE;

#endif
