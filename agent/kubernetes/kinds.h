/* The kinds of workloads that are targets: where the API server keeps them, and where their pod
 * template is. */
#ifndef LANDWAITER_AGENT_KUBERNETES_KINDS_H
#define LANDWAITER_AGENT_KUBERNETES_KINDS_H

#include "agent/kubernetes/rollout.h"

struct kind {
    const char *name;    /* as in targets' names: "deployment"; NULL ends the table */
    const char *object;  /* "Deployment" */
    const char *api;     /* "/apis/apps/v1" */
    const char *version; /* "apps/v1" */
    const char *plural;  /* "deployments" */
    const char *pod;     /* JSON pointer to the pod template: "/spec/template" */
    enum rollout_kind rollout;
};

extern const struct kind kinds_table[];
/* By its name; NULL: none. */
const struct kind *kind_find(const char *name);
/* The pod template of an object of that kind; borrowed, NULL: it has none. */
json_t *kind_pod(const struct kind *kind, const json_t *object);

#endif
