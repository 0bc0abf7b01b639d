/* Looks at a workload: reads it and compares it with the journal of its update. Changes nothing. */
#ifndef LANDWAITER_AGENT_PLATFORMS_KUBERNETES_LOOK_H
#define LANDWAITER_AGENT_PLATFORMS_KUBERNETES_LOOK_H

#include "agent/platforms/kubernetes/cluster.h"
#include "agent/platforms/kubernetes/managed.h"
#include "agent/platforms/kubernetes/workload.h"
#include "agent/platforms/platform.h"

/* Members of the journal. */
#define LOOK_OLD "old"       /* the image before */
#define LOOK_NEW "new"       /* the image after */
#define LOOK_BACK "back"     /* the image to put back: OLD, or OLD pinned to the pods' digest */
#define LOOK_STAMP "stamp"   /* the pod template's annotation, if needed to start a rollout */
#define LOOK_BEFORE "before" /* last move of the previous rollout, in ms of the server's clock */
#define LOOK_GENERATION "generation" /* the object's after the patch */
#define LOOK_TOLD "told"             /* the event about the patch was written */
#define LOOK_RETURN "return"         /* its generation after the patch back */

/* The result of a look at the workload. */
enum look_state {
    LOOK_GONE, /* gone, or another object has its name */
    LOOK_IS_OLD,
    LOOK_IS_NEW,
    LOOK_IS_BACK,  /* LOOK_BACK, if it differs from OLD */
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

/* The same, but accepts an object read within the last two seconds if it has the expected state;
 * otherwise reads again. A patch tests its assumptions. */
enum look_hope {
    LOOK_HOPE_CHECK,   /* it exists and is not paused */
    LOOK_HOPE_PATCH,   /* the old image */
    LOOK_HOPE_OBSERVE, /* the new image; accepts the patch's answer once */
};
bool look_fresh(const struct platform_task *task, enum look_hope hope, struct look *out,
                struct err *err) MUST_USE;
/* The tool that set the present image; "" if unknown. */
void look_by(const struct look *look, char out[MANAGED_SIZE]);

/* The pods that run an image in that container, except those being deleted: a new array. stamp: the
 * required template annotation; NULL: any. */
struct look_pods {
    const struct look *look;
    const char *image, *stamp;
};
bool look_pods(const struct platform_task *task, const struct look_pods *which, json_t **out,
               struct err *err) MUST_USE;

#endif
