/* The health gate of a rollout: reads the workload and its new pods for rollout.c. Changes
 * nothing. */
#include "agent/platforms/kubernetes/observe.h"

#include <string.h>

#include "agent/platforms/kubernetes/change.h"
#include "agent/platforms/kubernetes/look.h"
#include "agent/platforms/kubernetes/rollout.h"
#include "base/clock.h"
#include "base/json.h"

static void observe_overtaken(const struct look *look, struct platform_observation *out) {
    char who[MANAGED_SIZE];
    out->health = PLATFORM_OVERTAKEN;
    if (look->state == LOOK_GONE) {
        out->result = RESULT_CANCELLED;
        (void)snprintf(out->reason, sizeof out->reason, "it was deleted during its rollout");
        return;
    }
    look_by(look, who);
    const char *name = who[0] ? who : "somebody else";
    if (look->state == LOOK_IS_OTHER) {
        out->result = RESULT_SUPERSEDED;
        (void)snprintf(out->reason, sizeof out->reason,
                       "%.100s has set its image to %.150s during the rollout", name,
                       look->container.image);
        return;
    }
    out->result = RESULT_FAILED;
    (void)snprintf(out->reason, sizeof out->reason,
                   "%s has put the old image back during the rollout; it was left so: change the "
                   "image at that tool's source, or let the tool leave this workload alone",
                   name);
}

bool observe_rollout(struct platform_task *task, struct platform_observation *out,
                     struct err *err) {
    CLEANUP(look_release) struct look look = {0};
    CLEANUP(json_release) json_t *pods = NULL;
    /* The first look uses the patch's answer. */
    if (!look_fresh(task, LOOK_HOPE_OBSERVE, &look, err)) {
        return false;
    }
    change_tell_patched(task, &look);
    if (look.state != LOOK_IS_NEW) {
        observe_overtaken(&look, out);
        return true;
    }
    const struct look_pods own = {.look = &look,
                                  .image = look.container.image,
                                  .stamp = json_text(task->journal, LOOK_STAMP)};
    if (look.name.kind->rollout != ROLLOUT_NONE && !look_pods(task, &own, &pods, err)) {
        return false;
    }
    const struct rollout_facts facts = {.kind = look.name.kind->rollout,
                                        .workload = look.object,
                                        .pods = pods,
                                        .container = look.name.container,
                                        .digest = task->digest,
                                        .pinned = strchr(look.container.image, '@') != NULL,
                                        .settings = &task->settings,
                                        .generation = json_int(task->journal, LOOK_GENERATION, 0),
                                        .before = json_object_member(task->journal, LOOK_BEFORE),
                                        .now_ms = clock_boot_ms()};
    rollout_judge(&facts, task->journal, out);
    return true;
}
