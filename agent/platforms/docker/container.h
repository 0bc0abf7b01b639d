/* A container as the engine shows it: names, marks, facts of its inspect document
 * (docker-engine.md sections 2 and 10). */
#ifndef LANDWAITER_AGENT_PLATFORMS_DOCKER_CONTAINER_H
#define LANDWAITER_AGENT_PLATFORMS_DOCKER_CONTAINER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "agent/platforms/docker/engine.h"

#define CONTAINER_NAME_SIZE 384
#define CONTAINER_LABEL_SWARM_TASK "com.docker.swarm.task.id"

/* Typed members of an inspect document; "" or 0 where there is none. Borrowed. */
const char *container_id(const json_t *inspect);
const char *container_name(const json_t *inspect);       /* without the slash */
const char *container_image_id(const json_t *inspect);   /* "sha256:…" */
const char *container_image_name(const json_t *inspect); /* as its owner wrote it */
const char *container_status(const json_t *inspect);     /* State.Status: "running", … */
/* The kind of a namespace or network that it shares: HostConfig.<member> of "container:<id>" gives
 * the id, else NULL. */
const char *container_shares(const json_t *inspect, const char *member);
/* How long a stop may take by the container's own settings; -1: for ever. */
int64_t container_stop_timeout_ms(const json_t *inspect);

/* Has it the form of a container's name (and so may stand in a path)? */
bool container_name_valid(const char *name);
/* A name of ours, or compose's, for a container on its way in or out: never a target. */
bool container_name_marked(const char *name);
/* The names that a container has during an update. Return out. */
const char *container_new_name(const char *name, const char *old_id, char out[CONTAINER_NAME_SIZE]);
const char *container_aside_name(const char *name, const char *old_id,
                                 char out[CONTAINER_NAME_SIZE]);

/* State other than running (restarting counts as running: a new image may be the cure): writes why
 * the container is to be left alone and returns true. */
bool container_idle(const char *status, char *reason, size_t size);
/* "sha256:…", an id, or a name with @sha256:…: nothing that a push can move. */
bool container_image_pinned(const char *image, const char *image_id);

/* By id or name. ERR_GONE: none. The caller owns *out. */
bool container_inspect(struct engine *engine, const char *id, json_t **out,
                       struct err *err) MUST_USE;

/* Is it the container that this process runs in? Reads /proc/self and the host name. */
bool container_is_self(const char *id);
/* The same from the texts of /proc/self/cgroup and mountinfo, and the host name; pure. */
bool container_is_self_text(const char *id, const char *cgroup, const char *mountinfo,
                            const char *hostname);

#endif
