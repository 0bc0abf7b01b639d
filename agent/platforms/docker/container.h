/* A container in the engine's view: names, marks and inspect document (docker-engine.md sections 2
 * and 10). */
#ifndef LANDWAITER_AGENT_PLATFORMS_DOCKER_CONTAINER_H
#define LANDWAITER_AGENT_PLATFORMS_DOCKER_CONTAINER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "agent/platforms/docker/engine.h"

#define CONTAINER_NAME_SIZE 384
#define CONTAINER_LABEL_SWARM_TASK "com.docker.swarm.task.id"
#define CONTAINER_LABEL_PROJECT "com.docker.compose.project"

/* Typed members of an inspect document; "" or 0 if absent. Borrowed. */
const char *container_id(const json_t *inspect);
const char *container_name(const json_t *inspect);       /* without the slash */
const char *container_image_id(const json_t *inspect);   /* "sha256:…" */
const char *container_image_name(const json_t *inspect); /* as the owner wrote it */
const char *container_status(const json_t *inspect);     /* State.Status: "running", … */
/* The id of the container whose namespace or network it shares, if HostConfig.<member> is
 * "container:<id>"; else NULL. */
const char *container_shares(const json_t *inspect, const char *member);
/* The container's own limit for a stop; -1: none. */
int64_t container_stop_timeout_ms(const json_t *inspect);

/* Is the text a valid container name, so that it may stand in a path? */
bool container_name_valid(const char *name);
/* Does the name carry Landwaiter's or Compose's mark of a container that is being replaced? Such a
 * container is never a target. */
bool container_name_marked(const char *name);
/* The names of a container during an update. Return out. */
const char *container_new_name(const char *name, const char *old_id, char out[CONTAINER_NAME_SIZE]);
const char *container_aside_name(const char *name, const char *old_id,
                                 char out[CONTAINER_NAME_SIZE]);

/* Does its state forbid an update? Writes the reason. Restarting counts as running: a new image may
 * be the cure. */
bool container_idle(const char *status, char *reason, size_t size);
/* Does the name pin the image ("sha256:…", an id, a name with @sha256:…), so that no push can move
 * it? */
bool container_image_pinned(const char *image, const char *image_id);

/* Does an inspect document have a usable id? */
bool container_valid(const json_t *inspect);

/* The whole document, by id or name; of the container to update (sift.h has parts of others).
 * ERR_GONE: none. The caller owns *out. */
bool container_inspect(struct engine *engine, const char *id, json_t **out,
                       struct err *err) MUST_USE;

/* Does this process run in that container? Reads /proc/self and the host name. */
bool container_is_self(const char *id);
/* The same from the texts of /proc/self/cgroup and mountinfo, and the host name. Pure. */
bool container_is_self_text(const char *id, const char *cgroup, const char *mountinfo,
                            const char *hostname);

#endif
