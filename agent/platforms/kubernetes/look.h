/* Looks at a workload: reads it and compares it with the journal of its update. Changes nothing. */
#ifndef LANDWAITER_AGENT_PLATFORMS_KUBERNETES_LOOK_H
#define LANDWAITER_AGENT_PLATFORMS_KUBERNETES_LOOK_H

#include "agent/platforms/kubernetes/cluster.h"
#include "agent/platforms/kubernetes/managed.h"
#include "agent/platforms/kubernetes/workload.h"
#include "agent/platforms/platform.h"

/* Members of the journal. */
#define LOOK_OLD "old"     /* the image as it stood */
#define LOOK_NEW "new"     /* as it shall stand */
#define LOOK_BACK "back"   /* as it is put back: OLD, or OLD pinned to what its pods ran */
#define LOOK_STAMP "stamp" /* the pod template's annotation, where it is needed to roll */
#define LOOK_BEFORE                                                                                \
    "before" /* when the rollout before last moved, by the API server's clock, ms                  \
              */
#define LOOK_GENERATION "generation" /* the object's after the patch */
#define LOOK_TOLD "told"             /* there is an event of the patch */
#define LOOK_RETURN "return"         /* its generation after the patch back */

/* What a look at the workload finds. */
enum look_state {
    LOOK_GONE, /* it does not exist any more, or is another one of that name */
    LOOK_IS_OLD,
    LOOK_IS_NEW,
    LOOK_IS_BACK,  /* where that is not OLD */
    LOOK_IS_OTHER, /* somebody else's image */
};
struct look {
    struct workload_name name;
    json_t *object; /* owned; NULL when GONE */
    struct workload_container container;
    enum look_state state;
};
void look_release(struct look *look);
/* Reads the workload and compares it with the journal. */
bool look_at(const struct platform_task *task, struct look *out, struct err *err) MUST_USE;

/* The same, but an object that was read in the last two seconds will do, if it says what is hoped
 * for there; what it says against it is asked anew. A patch tests what it relies on. */
enum look_hope {
    LOOK_HOPE_CHECK,   /* it is there, and not paused */
    LOOK_HOPE_PATCH,   /* the old image */
    LOOK_HOPE_OBSERVE, /* the new one: what the patch answered, once */
};
bool look_fresh(const struct platform_task *task, enum look_hope hope, struct look *out,
                struct err *err) MUST_USE;
/* Who set the image that is there; "" when it cannot be told. */
void look_by(const struct look *look, char out[MANAGED_SIZE]);

/* The pods that run an image in that container, those that are being deleted left out: a new array.
 * stamp: the template annotation that they must have, NULL: any. */
struct look_pods {
    const struct look *look;
    const char *image, *stamp;
};
bool look_pods(const struct platform_task *task, const struct look_pods *which, json_t **out,
               struct err *err) MUST_USE;

#endif
