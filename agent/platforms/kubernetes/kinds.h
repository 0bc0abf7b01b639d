/* The kinds of objects that are targets: where the API server keeps them, and where they name
 * images. */
#ifndef LANDWAITER_AGENT_PLATFORMS_KUBERNETES_KINDS_H
#define LANDWAITER_AGENT_PLATFORMS_KUBERNETES_KINDS_H

#include "agent/config/config.h"
#include "agent/platforms/kubernetes/rollout.h"

struct kind {
    const char *name;    /* as in targets' names: "deployment"; NULL ends a table */
    const char *object;  /* "Deployment" */
    const char *api;     /* "/apis/apps/v1" */
    const char *version; /* "apps/v1" */
    const char *plural;  /* "deployments" */
    const char *pod;     /* JSON pointer to the pod template: "/spec/template"; NULL: none */
    enum rollout_kind rollout;
    /* Those of the configuration, if it is one of them (resource.h); NULL: it has a pod template.
     */
    const struct config_kubernetes *configured;
};

/* Those that need no configuration. */
extern const struct kind kinds_table[];
/* Those and what `resources` adds, ended like the table; the configuration must live as long. Free
 * it with free. NULL: out of memory. */
struct kind *kinds_new(const struct config_kubernetes *kubernetes) MUST_USE;
/* By its name; NULL: none. */
const struct kind *kind_find(const struct kind *kinds, const char *name);
/* The pod template of an object of that kind; borrowed, NULL: it has none. */
json_t *kind_pod(const struct kind *kind, const json_t *object);

#endif
