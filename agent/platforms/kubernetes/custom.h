/* Judges a custom resource after its change by its controller's status, as kstatus does, with the
 * additional conventions of Flux, Argo Rollouts and Knative (docs/resources.md). Pure. */
#ifndef LANDWAITER_AGENT_PLATFORMS_KUBERNETES_CUSTOM_H
#define LANDWAITER_AGENT_PLATFORMS_KUBERNETES_CUSTOM_H

#include "agent/platforms/kubernetes/rollout.h"

enum rollout_state custom_judge(const struct rollout_facts *facts, char out_reason[REASON_SIZE]);
/* Does the controller say which generation its status describes? If not, the status may precede the
 * change, and must last for CUSTOM_UNSEEN_MS. */
#define CUSTOM_UNSEEN_MS 10000
bool custom_numbered(const json_t *object);

#endif
