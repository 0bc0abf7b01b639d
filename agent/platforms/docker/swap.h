/* What the steps of a swap and the health gate share: both containers, the engine that the swap
 * began on, and the start of the new one. */
#ifndef LANDWAITER_AGENT_PLATFORMS_DOCKER_SWAP_H
#define LANDWAITER_AGENT_PLATFORMS_DOCKER_SWAP_H

#include "agent/platforms/docker/container.h"
#include "agent/platforms/docker/engine.h"
#include "agent/platforms/platform.h"

/* Members of the journal; those of the health gate's own are in observe.c. */
#define STEPS_HOST "host"         /* the engine's address */
#define STEPS_NAME "name"         /* the container's, without slash */
#define STEPS_IMAGE "image"       /* what the new one is made from: "repo:tag" */
#define STEPS_IMAGE_ID "image_id" /* the new image's id */
#define STEPS_TAG_BEFORE                                                                           \
    "tag_before"                /* the id that the tag had here; null: there was no such tag */
#define STEPS_RESTART "restart" /* OLD's RestartPolicy: Name and MaximumRetryCount */
#define STEPS_STOP_MS "stop_ms" /* how long a stop may take; -1: for ever */
#define STEPS_NEW "new"         /* NEW's id */

/* The engine, and both containers' names. */
struct swap {
    struct engine engine;
    const char *old_id;
    const char *new_id; /* NULL: not known (not created, or the answer was lost) */
    const char *name;
    char new_name[CONTAINER_NAME_SIZE];
    char aside[CONTAINER_NAME_SIZE];
};
bool swap_open(struct platform_task *task, struct swap *swap, struct err *err) MUST_USE;
/* For the steps after `create`. */
bool swap_open_both(struct platform_task *task, struct swap *swap, struct err *err) MUST_USE;

/* The engine that the swap began on. ERR_TRANSIENT: the configuration names another one now. */
bool swap_engine(const struct platform_task *task, struct engine *out, struct err *err) MUST_USE;

/* The step `start`: starts NEW, and notes the time when it did not run yet. ERR_INVALID: the engine
 * refused. */
bool swap_start(struct platform_task *task, struct err *err);

/* Starts either; its answer tells whether it ran already (304). */
bool swap_start_container(struct swap *swap, const char *id, struct engine_answer *answer,
                          struct err *err) MUST_USE;

/* Notes that the new container was started right now. False: out of memory. */
bool swap_started(json_t *notes) MUST_USE;

#endif
