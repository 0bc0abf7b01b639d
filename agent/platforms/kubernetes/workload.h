/* Turns a workload of the API server into targets: one for each of its containers (interface.md
 * sections 3 and 4). Pure.
 *
 * A sighting is the kept part of an object, a JSON object: "namespace", "kind", "name", "uid",
 * "labels", "annotations" (Landwaiter's only), "containers" ([[name, image, true for an init
 * container, true if it cannot hold a digest, its problem or null], …]), "selector" (a query for its
 * pods, "" for none), "paused", "managed" (the manager; optional), "fault" (a part of it is missing,
 * and why; optional). */
#ifndef LANDWAITER_AGENT_PLATFORMS_KUBERNETES_WORKLOAD_H
#define LANDWAITER_AGENT_PLATFORMS_KUBERNETES_WORKLOAD_H

#include <jansson.h>
#include <stdbool.h>

#include "agent/config/config.h"
#include "agent/platforms/kubernetes/api.h"
#include "agent/platforms/kubernetes/kinds.h"
#include "agent/platforms/kubernetes/resource.h"
#include "agent/platforms/platform.h"

#define WORKLOAD_ANNOTATION "landwaiter.dev/"    /* the owner's settings */
#define WORKLOAD_STATUS "status.landwaiter.dev/" /* Landwaiter's records */
#define WORKLOAD_SELECTOR_SIZE 1024

/* The parts of "kubernetes/NAMESPACE/KIND/NAME/CONTAINER". */
struct workload_name {
    const struct kind *kind;
    char space[64];
    char name[254];
    char container[64];
};
/* ERR_GONE: no such object can exist. */
bool workload_name_parse(const struct kind *kinds, const char *target, struct workload_name *out,
                         struct err *err) MUST_USE;
/* "NAMESPACE/KIND/NAME": the object's key in the index. Returns out. */
#define WORKLOAD_KEY_SIZE 400
const char *workload_key(const struct workload_name *name, char out[WORKLOAD_KEY_SIZE]);
/* The object's path on the API server. Returns out. */
const char *workload_path(const struct workload_name *name, char out[API_PATH_SIZE]);

/* fault: a part of the object is missing, and why; NULL: none. New reference; NULL: nothing to keep
 * (no usable name, being deleted, no container and no fault). */
json_t *workload_sighting(const struct kind *kind, const json_t *object,
                          const struct err *fault) MUST_USE;
/* The sighting of an object without a readable name: has no container. number tells it from others
 * of its kind. New reference; NULL: out of memory. */
json_t *workload_unreadable(const struct kind *kind, unsigned number,
                            const struct err *fault) MUST_USE;

/* The place-th container of a sighting as a target; sets `running` only if its image is pinned.
 * False: there are fewer. */
bool workload_target(const struct config *config, const json_t *sighting, size_t place,
                     struct target *out) MUST_USE;

/* One container in an object's pod template, or one image of a custom resource. */
struct workload_container {
    char image[REF_TEXT_SIZE];
    const char *pull_policy;         /* "" if absent */
    char pointer[JSON_POINTER_SIZE]; /* of the container, "/spec/template/spec/containers/0" */
    bool init;
    struct resource_image resource; /* of a custom resource */
};
/* False: no container of that name, or its image's name is too long. */
bool workload_container(const struct kind *kind, const json_t *object, const char *name,
                        struct workload_container *out) MUST_USE;
/* Is it scaled to zero, so that it has no pods? */
bool workload_idle(const struct kind *kind, const json_t *object);
/* Is it paused until somebody resumes it? */
bool workload_paused(const struct kind *kind, const json_t *object);
/* Does a change pin its image? */
bool workload_pins(const struct kind *kind, const struct workload_container *container, bool pin);
/* The replacements that a patch of that container makes. */
struct patch;
void workload_patch(const struct workload_container *container, const char *from, const char *to,
                    struct patch *patch);

/* The label selector of its pods, as a query's value; "" if it selects none. False: too long, or
 * not expressible. */
bool workload_selector(const json_t *object, char out[WORKLOAD_SELECTOR_SIZE]) MUST_USE;

#endif
