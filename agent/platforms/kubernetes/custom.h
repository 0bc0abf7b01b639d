/* Does a custom resource stand after its change? By what its controller says in its status, as
 * kstatus reads it, and what Flux, Argo Rollouts and Knative say besides (docs/resources.md). Pure.
 */
#ifndef LANDWAITER_AGENT_PLATFORMS_KUBERNETES_CUSTOM_H
#define LANDWAITER_AGENT_PLATFORMS_KUBERNETES_CUSTOM_H

#include "agent/platforms/kubernetes/rollout.h"

enum rollout_state custom_judge(const struct rollout_facts *facts, char out_reason[REASON_SIZE]);
/* Does its controller say which generation its status is about? Without, what stands there may be
 * of before the change: it has to stand for CUSTOM_UNSEEN_MS. */
#define CUSTOM_UNSEEN_MS 10000
bool custom_numbered(const json_t *object);

#endif
