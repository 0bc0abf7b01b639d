/* Is a workload managed by a GitOps tool, which would restore its own image? Pure. */
#ifndef LANDWAITER_AGENT_PLATFORMS_KUBERNETES_MANAGED_H
#define LANDWAITER_AGENT_PLATFORMS_KUBERNETES_MANAGED_H

#include <jansson.h>
#include <stdbool.h>

#define MANAGED_SIZE 128

/* Recognises labels, annotations and managedFields of Flux (Kustomization, HelmRelease), Argo CD
 * and Helm. out: "Helm (release web)", "Flux (Kustomization apps)", "Argo CD (application web)";
 * false: none. metadata is the object's. custom: consider the whole spec, not only a pod template.
 */
bool managed_by(const json_t *metadata, bool custom, char out[MANAGED_SIZE]);

/* The newest field manager that set the image, for messages: "kubectl-edit"; "" if unknown. */
struct managed_image {
    const char *container; /* in the pod template */
    const char *pointer;   /* of a custom resource's; "": it has a pod template */
};
void managed_image_by(const json_t *metadata, const struct managed_image *image,
                      char out[MANAGED_SIZE]);

#endif
