/* Judges a rollout: does it progress, stand, or fail? Pure: takes the workload and its pods, gives
 * a verdict and a sentence.
 *
 * Beyond `kubectl rollout status`: a Progressing condition counts only when it is newer than the
 * patch; new pods that cannot start fail at once; the deadline runs from the last progress; a soak
 * without restarts; and the digest that the new pods run. */
#ifndef LANDWAITER_AGENT_PLATFORMS_KUBERNETES_ROLLOUT_H
#define LANDWAITER_AGENT_PLATFORMS_KUBERNETES_ROLLOUT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "agent/platforms/platform.h"

enum rollout_kind {
    ROLLOUT_DEPLOYMENT,
    ROLLOUT_STATEFULSET,
    ROLLOUT_DAEMONSET,
    ROLLOUT_NONE,  /* nothing to watch */
    ROLLOUT_CUSTOM /* its controller's status: custom.h */
};
enum rollout_state { ROLLOUT_WAITS, ROLLOUT_STANDS, ROLLOUT_FAILS };

struct rollout_facts {
    enum rollout_kind kind;
    const json_t *workload; /* as it is now */
    const json_t *pods;     /* array of the new revision's; NULL: not read */
    const char *container;  /* ours, by name */
    const char *digest;     /* the required digest; "": any */
    /* Its image names the digest, so that the node checked it. Pods may then report another digest
     * of the same content (of an index, or of the manifest in it). */
    bool pinned;
    const struct settings *settings; /* health timeout, soak */
    int64_t generation;              /* metadata.generation after the patch; 0: as it stands */
    const json_t *before;            /* condition_said before the patch; NULL: there were none */
    int64_t now_ms;                  /* of clock_boot_ms */
};

/* notes: an object, stored with the update, for the times that one look leaves for the next. A
 * restart of the host or the agent begins the soak and the deadline again. */
void rollout_judge(const struct rollout_facts *facts, json_t *notes,
                   struct platform_observation *out);

/* Is a rollout in progress that should not be interrupted? False: it is complete, or fails.
 * out_reason: the reason of its wait. */
bool rollout_under_way(const struct rollout_facts *facts, char out_reason[REASON_SIZE]);

#endif
