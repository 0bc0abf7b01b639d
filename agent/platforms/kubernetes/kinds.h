/* The kinds of objects that are targets: their API paths, and the places of their images. */
#ifndef LANDWAITER_AGENT_PLATFORMS_KUBERNETES_KINDS_H
#define LANDWAITER_AGENT_PLATFORMS_KUBERNETES_KINDS_H

#include "agent/config/config.h"
#include "agent/platforms/kubernetes/rollout.h"

struct kind {
    const char *name;    /* as in names of targets: "deployment"; NULL ends a table */
    const char *object;  /* "Deployment" */
    const char *api;     /* "/apis/apps/v1" */
    const char *version; /* "apps/v1" */
    const char *plural;  /* "deployments" */
    const char *pod;     /* JSON pointer to the pod template: "/spec/template"; NULL: none */
    enum rollout_kind rollout;
    /* The configuration of a custom resource (resource.h); NULL: the kind has a pod template. */
    const struct config_kubernetes *configured;
};

/* The built-in kinds. */
extern const struct kind kinds_table[];
/* The built-in kinds and those of `resources`, ended like the table; the configuration must live as
 * long. Free it with free. NULL: out of memory. */
struct kind *kinds_new(const struct config_kubernetes *kubernetes) MUST_USE;
/* Finds a kind by name; NULL: none. */
const struct kind *kind_find(const struct kind *kinds, const char *name);
/* The pod template of an object; borrowed. NULL: none. */
json_t *kind_pod(const struct kind *kind, const json_t *object);

#endif
