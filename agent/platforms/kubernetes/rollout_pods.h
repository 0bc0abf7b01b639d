/* The new pods of a rollout: do they start, and with the right image? Pure. */
#ifndef LANDWAITER_AGENT_PLATFORMS_KUBERNETES_ROLLOUT_PODS_H
#define LANDWAITER_AGENT_PLATFORMS_KUBERNETES_ROLLOUT_PODS_H

#include "agent/platforms/kubernetes/rollout.h"

/* Note: the time of a first failed pull. */
#define ROLLOUT_NOTE_PULL "pull_ms"

/* Can a pod not start? A failed pull counts when a later look sees it again. Sets reason if so. */
bool rollout_pods_fail(const struct rollout_facts *facts, json_t *notes, char reason[REASON_SIZE]);
/* The sum of their containers' restarts. */
int64_t rollout_pods_restarts(const json_t *pods);
/* FAILS: a pod runs another digest than the one pushed; WAITS: no pod reports its digest yet. */
enum rollout_state rollout_pods_image(const struct rollout_facts *facts, char reason[REASON_SIZE]);

#endif
