/* The swap of one container, step by step, each with its way back (docker-engine.md section 10).
 *
 * Two containers are known by their ids and names: OLD (task->instance; named NAME, and aside
 * NAME.landwaiter-old-<12 digits of OLD's id>) and NEW (journal's "new"; named
 * NAME.landwaiter-new-<12 digits of OLD's id> until it takes NAME). Nothing else is ever renamed,
 * started, stopped or removed. */
#ifndef LANDWAITER_AGENT_PLATFORMS_DOCKER_STEPS_H
#define LANDWAITER_AGENT_PLATFORMS_DOCKER_STEPS_H

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

extern const struct platform_step steps_table[];

/* The engine that the swap began on. ERR_TRANSIENT: the configuration names another one now. */
bool steps_engine(const struct platform_task *task, struct engine *out, struct err *err) MUST_USE;

/* The step `start`: starts NEW, and notes the time when it did not run yet. ERR_INVALID: the engine
 * refused. */
bool steps_start(struct platform_task *task, struct err *err);

/* struct platform's commit. */
bool steps_commit(struct platform_task *task, struct err *err);

#endif
