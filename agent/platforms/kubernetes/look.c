/* Looks at a workload, and finds who changed it. */
#include "agent/platforms/kubernetes/look.h"

#include <string.h>

#include "agent/platforms/kubernetes/patch.h"
#include "agent/platforms/kubernetes/pods.h"
#include "base/json.h"

void look_release(struct look *look) {
    json_decref(look->object);
    look->object = NULL;
}

/* ---- looking ---- */

static bool look_stamped(const struct look *look, const char *stamp) {
    const json_t *pod = kind_pod(look->name.kind, look->object);
    const char *there =
        json_text_at(pod, (const char *[]){"metadata", "annotations", PATCH_STAMP, NULL});
    return !stamp || (there && strcmp(there, stamp) == 0);
}

static enum look_state look_compare(const struct platform_task *task, const struct look *look) {
    const char *old = json_text(task->journal, LOOK_OLD);
    const char *new = json_text(task->journal, LOOK_NEW);
    const char *back = json_text(task->journal, LOOK_BACK);
    const char *is = look->container.image;
    if (new &&strcmp(is, new) == 0 && look_stamped(look, json_text(task->journal, LOOK_STAMP))) {
        return LOOK_IS_NEW;
    }
    if (old && strcmp(is, old) == 0) {
        return LOOK_IS_OLD;
    }
    return back && strcmp(is, back) == 0 ? LOOK_IS_BACK : LOOK_IS_OTHER;
}

/* Compares the object with the journal. */
static void look_see(const struct platform_task *task, struct look *look) {
    const json_t *metadata = json_object_member(look->object, "metadata");
    const char *uid = json_text(metadata, "uid");
    look->state = LOOK_GONE;
    if (uid && strcmp(uid, task->instance) == 0 && !json_text(metadata, "deletionTimestamp") &&
        workload_container(look->name.kind, look->object, look->name.container, &look->container)) {
        look->state = look_compare(task, look);
    }
}

static bool look_name(const struct platform_task *task, struct cluster **cluster,
                      struct workload_name *out, struct err *err) {
    return cluster_of(task->session, cluster, err) &&
           workload_name_parse(cluster_kinds(*cluster), task->target, out, err);
}

bool look_at(const struct platform_task *task, struct look *out, struct err *err) {
    CLEANUP(look_release) struct look look = {.state = LOOK_GONE};
    struct cluster *cluster = NULL;
    struct err failed = ERR_INIT;
    char path[API_PATH_SIZE];
    char key[WORKLOAD_KEY_SIZE];
    if (!look_name(task, &cluster, &look.name, err)) {
        return false;
    }
    if (!api_get(cluster_api(cluster), task->session->http, &look.object, &failed, "%s",
                 workload_path(&look.name, path))) {
        if (failed.kind != ERR_GONE) {
            if (err) {
                *err = failed;
            }
            return api_denied_waits(err);
        }
    }
    fresh_put(cluster_fresh(cluster), workload_key(&look.name, key), look.object);
    look_see(task, &look);
    *out = look;
    look.object = NULL;
    return true;
}

static bool look_hoped(const struct look *look, enum look_hope hope) {
    switch (hope) {
    case LOOK_HOPE_PATCH:
        return look->state == LOOK_IS_OLD;
    case LOOK_HOPE_OBSERVE:
        return look->state == LOOK_IS_NEW;
    case LOOK_HOPE_CHECK:
    default:
        return look->state != LOOK_GONE && !workload_paused(look->name.kind, look->object);
    }
}

bool look_fresh(const struct platform_task *task, enum look_hope hope, struct look *out,
                struct err *err) {
    CLEANUP(look_release) struct look look = {.state = LOOK_GONE};
    struct cluster *cluster = NULL;
    char key[WORKLOAD_KEY_SIZE];
    if (!look_name(task, &cluster, &look.name, err)) {
        return false;
    }
    (void)workload_key(&look.name, key);
    look.object = hope == LOOK_HOPE_OBSERVE ? fresh_take(cluster_fresh(cluster), key)
                                            : fresh_get(cluster_fresh(cluster), key);
    look_see(task, &look);
    if (!look.object || !look_hoped(&look, hope)) {
        return look_at(task, out, err);
    }
    *out = look;
    look.object = NULL;
    return true;
}

void look_by(const struct look *look, char out[MANAGED_SIZE]) {
    const struct managed_image image = {.container = look->name.container,
                                        .pointer = look->container.resource.at};
    managed_image_by(json_object_member(look->object, "metadata"), &image, out);
}

bool look_pods(const struct platform_task *task, const struct look_pods *which, json_t **out,
               struct err *err) {
    char selector[WORKLOAD_SELECTOR_SIZE];
    if (workload_idle(which->look->name.kind, which->look->object) ||
        !workload_selector(which->look->object, selector) || !selector[0]) {
        *out = json_array();
        return true;
    }
    const struct pods_query query = {.space = which->look->name.space,
                                     .selector = selector,
                                     .container = which->look->name.container,
                                     .image = which->image,
                                     .stamp = which->stamp};
    return pods_list(task->session, &query, out, err);
}
