/* The change of one container's image in a workload: noting what is there, the patch, and the patch
 * back (kubernetes.md sections C and D). */
#ifndef LANDWAITER_AGENT_PLATFORMS_KUBERNETES_CHANGE_H
#define LANDWAITER_AGENT_PLATFORMS_KUBERNETES_CHANGE_H

#include "agent/platforms/kubernetes/cluster.h"
#include "agent/platforms/kubernetes/managed.h"
#include "agent/platforms/kubernetes/workload.h"
#include "agent/platforms/platform.h"

/* Members of the journal. */
#define CHANGE_OLD "old"     /* the image as it stood */
#define CHANGE_NEW "new"     /* as it shall stand */
#define CHANGE_BACK "back"   /* as it is put back: OLD, or OLD pinned to what its pods ran */
#define CHANGE_STAMP "stamp" /* the pod template's annotation, where it is needed to roll */
#define CHANGE_BEFORE                                                                              \
    "before" /* when the rollout before last moved, by the API server's clock, ms */
#define CHANGE_GENERATION "generation" /* the object's after the patch */
#define CHANGE_TOLD "told"             /* there is an event of the patch */
#define CHANGE_RETURN "return"         /* its generation after the patch back */

/* What a look at the workload finds. */
enum change_state {
    CHANGE_GONE, /* it does not exist any more, or is another one of that name */
    CHANGE_IS_OLD,
    CHANGE_IS_NEW,
    CHANGE_IS_BACK,  /* where that is not OLD */
    CHANGE_IS_OTHER, /* somebody else's image */
};
struct change_look {
    struct workload_name name;
    json_t *object; /* owned; NULL when GONE */
    struct workload_container container;
    enum change_state state;
};
void change_look_release(struct change_look *look);
/* Reads the workload and compares it with the journal. */
bool change_look(const struct platform_task *task, struct change_look *out,
                 struct err *err) MUST_USE;

/* The same, but an object that was read in the last two seconds will do, if it says what is hoped
 * for there; what it says against it is asked anew. A patch tests what it relies on. */
enum change_hope {
    CHANGE_HOPE_CHECK,   /* it is there, and not paused */
    CHANGE_HOPE_PATCH,   /* the old image */
    CHANGE_HOPE_OBSERVE, /* the new one: what the patch answered, once */
};
bool change_look_fresh(const struct platform_task *task, enum change_hope hope,
                       struct change_look *out, struct err *err) MUST_USE;
/* Who set the image that is there; "" when it cannot be told. */
void change_by(const struct change_look *look, char out[MANAGED_SIZE]);

/* struct platform's check: also writes into the journal what the steps need. */
bool change_check(struct platform_task *task, struct err *err);
extern const struct platform_step change_steps[];
/* struct platform's begun. */
bool change_begun(struct platform_task *task, bool *out, struct err *err);

/* The event that it was patched, once. Not with the patch, so that many are patched before the
 * first is talked about; after a crash it may be told twice. Blocks for one request. */
void change_tell_patched(struct platform_task *task, const struct change_look *look);

/* The pods that run an image in that container, those that are being deleted left out: a new array.
 * stamp: the template annotation that they must have, NULL: any. */
struct change_pods {
    const struct change_look *look;
    const char *image, *stamp;
};
bool change_pods(const struct platform_task *task, const struct change_pods *which, json_t **out,
                 struct err *err) MUST_USE;

#endif
