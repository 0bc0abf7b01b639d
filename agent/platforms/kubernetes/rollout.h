/* Does a rollout go on, stand, or fail? (kubernetes.md section C.) Pure: the workload and its pods
 * in, a verdict and a sentence out.
 *
 * kubectl's own order of questions for each kind, and besides: a Progressing condition counts only
 * when it is newer than the patch; new pods that cannot come up fail at once; an own deadline since
 * the last progress; a soak without restarts; and the digest that the new pods really run. */
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
    ROLLOUT_CUSTOM /* what its controller says: custom.h */
};
enum rollout_state { ROLLOUT_WAITS, ROLLOUT_STANDS, ROLLOUT_FAILS };

struct rollout_facts {
    enum rollout_kind kind;
    const json_t *workload; /* as it is now */
    const json_t *pods; /* array: those of the new revision, and no others; NULL: not asked for */
    const char *container; /* ours, by name */
    const char *digest;    /* what it must run; "": any */
    /* Its image names that digest itself, so that the node has checked it: pods may say another one
     * that has the same content (an index, or the manifest in it). */
    bool pinned;
    const struct settings *settings; /* health timeout, soak */
    int64_t generation;              /* metadata.generation after the patch; 0: as it stands */
    const json_t *before;            /* condition_said before the patch; NULL: nothing was said */
    int64_t now_ms;                  /* of clock_boot_ms */
};

/* notes (an object, kept with the update) holds the reference times from look to look. A restart of
 * the host or the agent begins the soak and the deadline anew. */
void rollout_judge(const struct rollout_facts *facts, json_t *notes,
                   struct platform_observation *out);

/* Is a rollout under way right now that nobody should interrupt? False: it stands, or it fails
 * anyway. out_reason says what it waits for. */
bool rollout_under_way(const struct rollout_facts *facts, char out_reason[REASON_SIZE]);

#endif
