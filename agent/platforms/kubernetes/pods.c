/* Lists pods and filters them. Changes nothing. */
#include "agent/platforms/kubernetes/pods.h"

#include <string.h>

#include "agent/platforms/kubernetes/api.h"
#include "agent/platforms/kubernetes/kept.h"
#include "agent/platforms/kubernetes/pages.h"
#include "agent/platforms/kubernetes/patch.h"
#include "base/json.h"

static const json_t *pods_named(const json_t *list, const char *name) {
    size_t i = 0;
    json_t *item = NULL;
    json_array_foreach(list, i, item) {
        const char *own = json_text(item, "name");
        if (own && strcmp(own, name) == 0) {
            return item;
        }
    }
    return NULL;
}

/* The entry of a container or init container in a pod's spec or status. */
static const json_t *pods_entry(const json_t *part, const char *const members[2],
                                const char *name) {
    const json_t *entry = pods_named(json_array_member(part, members[0]), name);
    return entry ? entry : pods_named(json_array_member(part, members[1]), name);
}

static bool pods_wanted(const json_t *pod, const struct pods_query *query) {
    static const char *const members[2] = {"containers", "initContainers"};
    const json_t *metadata = json_object_member(pod, "metadata");
    const json_t *entry = pods_entry(json_object_member(pod, "spec"), members, query->container);
    const char *image = json_text(entry, "image");
    const char *stamp = json_text(json_object_member(metadata, "annotations"), PATCH_STAMP);
    return image && strcmp(image, query->image) == 0 && !json_text(metadata, "deletionTimestamp") &&
           (!query->stamp || (stamp && strcmp(stamp, query->stamp) == 0));
}

struct pods_kept {
    const struct pods_query *query;
    json_t *kept;
};

/* A part that is too large to be kept is not judged: the fault is of this workload's own pod. */
static void pods_keep(void *context, json_t *pod, const struct err *fault) {
    const struct pods_kept *all = context;
    (void)fault;
    if (pods_wanted(pod, all->query)) {
        const json_t *metadata = json_object_member(pod, "metadata");
        (void)json_array_append_new(all->kept, json_pack("{s{sO? sO?} sO?}", "metadata", "name",
                                                         json_object_get(metadata, "name"), "uid",
                                                         json_object_get(metadata, "uid"), "status",
                                                         json_object_get(pod, "status")));
    }
}

bool pods_list(const struct platform_session *session, const struct pods_query *query, json_t **out,
               struct err *err) {
    CLEANUP(buf_release) struct buf path = BUF_INIT(API_PATH_SIZE * 3);
    CLEANUP(json_release) json_t *kept = json_array();
    struct pods_kept all = {query, kept};
    buf_printf(&path, "/api/v1/namespaces/%s/pods?labelSelector=", query->space);
    buf_put_url(&path, query->selector);
    const struct pages pages = {
        .path = buf_text(&path), .parts = kept_pod, .item = pods_keep, .context = &all};
    if (path.overflow) {
        return err_set(err, ERR_INVALID, "the selector of its pods is too long");
    }
    if (!pages_read(session, &pages, err)) {
        return api_denied_waits(err);
    }
    *out = TAKE(kept);
    return true;
}

void pods_digest(const json_t *pods, const char *container, char out[DIGEST_TEXT_SIZE]) {
    static const char *const members[2] = {"containerStatuses", "initContainerStatuses"};
    size_t i = 0;
    json_t *pod = NULL;
    out[0] = '\0';
    json_array_foreach(pods, i, pod) {
        const json_t *entry = pods_entry(json_object_member(pod, "status"), members, container);
        const char *id = json_text(entry, "imageID");
        const char *digest = id ? strrchr(id, '@') : NULL;
        if (!digest || !digest_valid(digest + 1)) {
            continue; /* not started yet */
        }
        if (out[0] && strcmp(out, digest + 1) != 0) {
            out[0] = '\0';
            return;
        }
        (void)snprintf(out, DIGEST_TEXT_SIZE, "%s", digest + 1);
    }
}
