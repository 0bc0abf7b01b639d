/* Shared by the steps of a swap and the health gate: both containers, the engine that the swap
 * began on, and the start of the new container. */
#ifndef LANDWAITER_AGENT_PLATFORMS_DOCKER_SWAP_H
#define LANDWAITER_AGENT_PLATFORMS_DOCKER_SWAP_H

#include "agent/platforms/docker/container.h"
#include "agent/platforms/docker/engine.h"
#include "agent/platforms/platform.h"

/* Members of the journal; observe.c has those of the health gate. */
#define SWAP_HOST "host"             /* the engine's address */
#define SWAP_NAME "name"             /* the container's, without slash */
#define SWAP_IMAGE "image"           /* of the new container: "repo:tag" */
#define SWAP_IMAGE_ID "image_id"     /* the new image's id */
#define SWAP_TAG_BEFORE "tag_before" /* the tag's image id before; null: no such tag */
#define SWAP_RESTART "restart"       /* OLD's RestartPolicy: Name and MaximumRetryCount */
#define SWAP_STOP_MS "stop_ms"       /* the limit for a stop; -1: none */
#define SWAP_NEW "new"               /* NEW's id */

/* The engine, and both containers by id and name. */
struct swap {
    struct engine engine;
    const char *old_id;
    const char *new_id; /* NULL: unknown (not created, or the answer was lost) */
    const char *name;
    char new_name[CONTAINER_NAME_SIZE];
    char aside[CONTAINER_NAME_SIZE];
};
bool swap_open(struct platform_task *task, struct swap *swap, struct err *err) MUST_USE;
/* For the steps after `create`. */
bool swap_open_both(struct platform_task *task, struct swap *swap, struct err *err) MUST_USE;

/* The engine that the swap began on. ERR_TRANSIENT: the configuration names another one now. */
bool swap_engine(const struct platform_task *task, struct engine *out, struct err *err) MUST_USE;

/* The step `start`: starts NEW, and notes the time if it was not running yet. ERR_INVALID: the
 * engine refused. */
bool swap_start(struct platform_task *task, struct err *err) MUST_USE;

/* The container's name; "" when it is gone. False: no answer. */
bool swap_name_of(struct swap *swap, const char *id, char name[static CONTAINER_NAME_SIZE],
                  struct err *err) MUST_USE;
/* Is OLD still there? ERR_GONE: somebody removed it, so that nothing can be put back. */
bool swap_old_there(struct swap *swap, struct err *err) MUST_USE;

/* A container's restart policy with the two fields that the journal keeps, or NULL: it has none.
 * The caller owns it. */
json_t *swap_restart_policy(const json_t *inspect) MUST_USE;

/* Starts OLD or NEW. Status 304 in the answer: already running. */
bool swap_start_container(struct swap *swap, const char *id, struct engine_answer *answer,
                          struct err *err) MUST_USE;

/* Notes now as the start of the new container. False: out of memory. */
bool swap_started(json_t *notes) MUST_USE;

#endif
