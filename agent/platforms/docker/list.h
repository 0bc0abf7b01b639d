/* Containers as targets: which there are, which image each runs, and which are left alone
 * (docker-engine.md sections 2 and 7). Reads only. */
#ifndef LANDWAITER_AGENT_PLATFORMS_DOCKER_LIST_H
#define LANDWAITER_AGENT_PLATFORMS_DOCKER_LIST_H

#include "agent/platforms/docker/engine.h"
#include "agent/platforms/platform.h"
#include "base/err.h"

#define LIST_TARGET_PREFIX "docker/"

/* All containers, stopped ones too. The caller owns *out. */
bool list_containers(struct engine *engine, json_t **out, struct err *err) MUST_USE;
/* The same; one list serves all calls with the same shared object (platform_session; NULL: asks
 * anew). */
bool list_shared(struct engine *engine, json_t *shared, json_t **out, struct err *err) MUST_USE;
/* The name in an entry of that list: the one without a link's slash; "" when there is none. */
const char *list_name(const json_t *entry);

/* struct platform's list and find. */
bool list_targets(const struct platform_session *session, const struct ref *repository,
                  struct targets *out, struct err *err);
bool list_find(const struct platform_session *session, const char *target, struct target *out,
               struct err *err);

/* A container, from either document. */
struct list_sighting {
    const char *id, *name, *image, *image_id, *status;
    const json_t *labels;
};
/* Pure but for `running`, which is left empty. */
void list_target(const struct config *config, const struct list_sighting *sighting,
                 struct target *out);

#endif
