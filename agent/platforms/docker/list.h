/* Containers as targets: their images, and the reasons to leave some alone (docker-engine.md
 * sections 2 and 7). Reads only. */
#ifndef LANDWAITER_AGENT_PLATFORMS_DOCKER_LIST_H
#define LANDWAITER_AGENT_PLATFORMS_DOCKER_LIST_H

#include "agent/platforms/docker/engine.h"
#include "agent/platforms/platform.h"
#include "base/err.h"

#define LIST_TARGET_PREFIX "docker/"

/* All containers, including stopped ones. The caller owns *out. */
bool list_containers(struct engine *engine, json_t **out, struct err *err) MUST_USE;
/* The same; calls with the same shared object (platform_session) share one list. NULL: no
 * sharing. */
bool list_shared(struct engine *engine, json_t *shared, json_t **out, struct err *err) MUST_USE;
/* The name in a list entry: the one without the slash of a link; "" if there is none. */
const char *list_name(const json_t *entry);

/* struct platform's list, find and examine. */
bool list_targets(const struct platform_session *session, const struct ref *repository,
                  struct targets *out, struct err *err);
bool list_find(const struct platform_session *session, const char *target, struct target *out,
               struct err *err);
void list_examine(const struct platform_session *session, json_t *report);

/* A container, from the list or from its inspect document. */
struct list_sighting {
    const char *id, *name, *image, *image_id, *status;
    const json_t *labels;
    const char *fault; /* a part of it cannot be read, and why; NULL: none */
};
/* Leaves `running` empty. Pure. */
void list_target(const struct config *config, const struct list_sighting *sighting,
                 struct target *out);

#endif
