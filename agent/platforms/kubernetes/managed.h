/* Is a workload kept by a GitOps tool, which would put its own image back? (kubernetes.md section
 * D.) Pure. */
#ifndef LANDWAITER_AGENT_PLATFORMS_KUBERNETES_MANAGED_H
#define LANDWAITER_AGENT_PLATFORMS_KUBERNETES_MANAGED_H

#include <jansson.h>
#include <stdbool.h>

#define MANAGED_SIZE 128

/* By labels, annotations and managedFields of Flux (Kustomization, HelmRelease), Argo CD and Helm.
 * out: "Helm (release web)", "Flux (Kustomization apps)", "Argo CD (application web)"; false: by
 * none of them. metadata is the object's. custom: not only a pod template counts, but all of its
 * spec. */
bool managed_by(const json_t *metadata, bool custom, char out[MANAGED_SIZE]);

/* The newest field manager in managedFields that set the image, for messages: "kubectl-edit"; ""
 * when it cannot be told. */
struct managed_image {
    const char *container; /* in the pod template */
    const char *pointer;   /* of a custom resource's; "": it has a pod template */
};
void managed_image_by(const json_t *metadata, const struct managed_image *image,
                      char out[MANAGED_SIZE]);

#endif
