/* A workload as the API server shows it, to targets: one for each of its containers (interface.md
 * sections 3 and 4). Pure.
 *
 * A sighting is what is kept of an object in between, a JSON object: "namespace", "kind", "name",
 * "uid", "labels", "annotations" (of ours only), "containers" ([[name, image, true for an init
 * container, true where nothing holds a digest, what is wrong with it or null], …]), "selector" (a
 * query for its pods, "" for none), "paused", "managed" (by whom; where it is). */
#ifndef LANDWAITER_AGENT_PLATFORMS_KUBERNETES_WORKLOAD_H
#define LANDWAITER_AGENT_PLATFORMS_KUBERNETES_WORKLOAD_H

#include <jansson.h>
#include <stdbool.h>

#include "agent/config/config.h"
#include "agent/platforms/kubernetes/api.h"
#include "agent/platforms/kubernetes/kinds.h"
#include "agent/platforms/kubernetes/resource.h"
#include "agent/platforms/platform.h"

#define WORKLOAD_ANNOTATION "landwaiter.dev/"    /* its owner's word */
#define WORKLOAD_STATUS "status.landwaiter.dev/" /* ours */
#define WORKLOAD_SELECTOR_SIZE 1024

/* The parts of "kubernetes/NAMESPACE/KIND/NAME/CONTAINER". */
struct workload_name {
    const struct kind *kind;
    char space[64];
    char name[254];
    char container[64];
};
/* ERR_GONE: no such thing can be. */
bool workload_name_parse(const struct kind *kinds, const char *target, struct workload_name *out,
                         struct err *err) MUST_USE;
/* "NAMESPACE/KIND/NAME": what the index knows an object by. Returns out. */
#define WORKLOAD_KEY_SIZE 400
const char *workload_key(const struct workload_name *name, char out[WORKLOAD_KEY_SIZE]);
/* Where the API server keeps it. Returns out. */
const char *workload_path(const struct workload_name *name, char out[API_PATH_SIZE]);

/* New reference; NULL: nothing to keep (no usable name, being deleted, no container). */
json_t *workload_sighting(const struct kind *kind, const json_t *object) MUST_USE;

/* The place-th container of a sighting as a target; `running` only where its image is pinned.
 * False: there is none. */
bool workload_target(const struct config *config, const json_t *sighting, size_t place,
                     struct target *out) MUST_USE;

/* One container in the pod template of an object, or one image that a custom resource names. */
struct workload_container {
    char image[REF_TEXT_SIZE];
    const char *pull_policy;         /* "" when not written */
    char pointer[JSON_POINTER_SIZE]; /* of the container, "/spec/template/spec/containers/0" */
    bool init;
    struct resource_image resource; /* of a custom resource */
};
/* False: it has no container of that name, or one whose image's name is too long. */
bool workload_container(const struct kind *kind, const json_t *object, const char *name,
                        struct workload_container *out) MUST_USE;
/* Is it scaled to zero, so that it has no pods? */
bool workload_idle(const struct kind *kind, const json_t *object);
/* Does nothing happen to it until somebody lets it go on? */
bool workload_paused(const struct kind *kind, const json_t *object);
/* Is its image pinned when it is changed? */
bool workload_pins(const struct kind *kind, const struct workload_container *container, bool pin);
/* What a patch of that container has to exchange. */
struct patch;
void workload_patch(const struct workload_container *container, const char *from, const char *to,
                    struct patch *patch);

/* The label selector of its pods, as a query's value; "" where it selects none. False: it is too
 * long, or cannot be written. */
bool workload_selector(const json_t *object, char out[WORKLOAD_SELECTOR_SIZE]) MUST_USE;

#endif
