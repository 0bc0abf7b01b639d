/* Frees stuck StatefulSets. Deletes only pods, by uid, and only if the configuration permits it. */
#include "agent/platforms/kubernetes/stuck.h"

#include <string.h>

#include "agent/platforms/kubernetes/condition.h"
#include "base/json.h"

static bool stuck_ordered(const struct look *look) {
    const char *policy = json_text(json_object_member(look->object, "spec"), "podManagementPolicy");
    return look->name.kind->rollout == ROLLOUT_STATEFULSET &&
           (!policy || strcmp(policy, "Parallel") != 0);
}

static bool stuck_delete(struct platform_task *task, const struct look *look, const json_t *pod,
                         struct err *err) {
    const json_t *metadata = json_object_member(pod, "metadata");
    const char *name = json_text(metadata, "name");
    const char *uid = json_text(metadata, "uid");
    CLEANUP(api_answer_release) struct api_answer answer = API_ANSWER_INIT;
    CLEANUP(buf_release) struct buf path = BUF_INIT(API_PATH_SIZE);
    struct cluster *cluster = NULL;
    struct err failed = ERR_INIT;
    if (!name || !uid) {
        return true;
    }
    buf_printf(&path, "/api/v1/namespaces/%s/pods/", look->name.space);
    buf_put_url(&path, name);
    CLEANUP(json_release)
    json_t *body = json_pack("{ss ss s{ss}}", "kind", "DeleteOptions", "apiVersion", "v1",
                             "preconditions", "uid", uid);
    const struct api_call call = {.method = "DELETE", .path = buf_text(&path), .body = body};
    if (!cluster_of(task->session, &cluster, err)) {
        return false;
    }
    if (api_call(cluster_api(cluster), task->session->http, &call, &answer, &failed) ||
        failed.kind == ERR_GONE) {
        return true;
    }
    if (err) {
        *err = failed;
    }
    return err_wrap(err, "the pod %.200s cannot be deleted", name);
}

bool stuck_clear(struct platform_task *task, const struct look *look, struct err *err) {
    CLEANUP(json_release) json_t *pods = NULL;
    const char *failed = json_text(task->journal, LOOK_NEW);
    const struct look_pods which = {
        .look = look, .image = failed, .stamp = json_text(task->journal, LOOK_STAMP)};
    if (!failed || !stuck_ordered(look)) {
        return true;
    }
    if (!look_pods(task, &which, &pods, err)) {
        return false;
    }
    size_t i = 0;
    json_t *pod = NULL;
    json_array_foreach(pods, i, pod) {
        const char *name = json_text(json_object_member(pod, "metadata"), "name");
        if (condition_true(pod, "Ready")) {
            continue;
        }
        if (!task->session->config->kubernetes.delete_pods) {
            return err_set(err, ERR_INVALID,
                           "the old image is back, but a StatefulSet replaces no pod that is not "
                           "ready: `kubectl delete "
                           "pod -n %.64s %.128s`, or allow it with `delete_pods`",
                           look->name.space, name ? name : "?");
        }
        if (!stuck_delete(task, look, pod, err)) {
            return false;
        }
    }
    return true;
}
