/* Recognises GitOps tools by the marks they leave. */
#include "agent/platforms/kubernetes/managed.h"

#include <string.h>

#include "base/clock.h"
#include "base/json.h"

struct managed_mark {
    const char *tool, *key, *value; /* value: NULL: any */
    const char *name;               /* the place of the manager's name */
    const char *what;
};

static const struct managed_mark managed_marks[] = {
    {"Flux", "kustomize.toolkit.fluxcd.io/name", NULL, "kustomize.toolkit.fluxcd.io/name",
     "Kustomization"},
    {"Flux", "helm.toolkit.fluxcd.io/name", NULL, "helm.toolkit.fluxcd.io/name", "HelmRelease"},
    {"Argo CD", "argocd.argoproj.io/tracking-id", NULL, "argocd.argoproj.io/tracking-id",
     "application"},
    {"Argo CD", "argocd.argoproj.io/instance", NULL, "argocd.argoproj.io/instance", "application"},
    {"Helm", "app.kubernetes.io/managed-by", "Helm", "meta.helm.sh/release-name", "release"},
    {"Helm", "meta.helm.sh/release-name", NULL, "meta.helm.sh/release-name", "release"},
};

static const struct {
    const char *manager, *tool;
} managed_managers[] = {
    {"kustomize-controller", "Flux"},
    {"helm-controller", "Flux"},
    {"argocd-controller", "Argo CD"},
    {"argocd-application-controller", "Argo CD"},
    {"helm", "Helm"},
};

/* A label or an annotation. */
static const char *managed_text(const json_t *metadata, const char *key) {
    const char *label = json_text(json_object_member(metadata, "labels"), key);
    return label ? label : json_text(json_object_member(metadata, "annotations"), key);
}

/* Does a field manager own part of the pod template, or of any spec? */
static bool managed_owns(const json_t *entry, bool custom) {
    const json_t *spec = json_object_member(json_object_member(entry, "fieldsV1"), "f:spec");
    return (custom && spec) || json_object_member(spec, "f:template") ||
           json_object_member(spec, "f:jobTemplate");
}

static bool managed_by_fields(const json_t *metadata, bool custom, char out[MANAGED_SIZE]) {
    size_t i = 0;
    json_t *entry = NULL;
    json_array_foreach(json_array_member(metadata, "managedFields"), i, entry) {
        const char *manager = json_text(entry, "manager");
        for (size_t m = 0; manager && m < ARRAY_LENGTH(managed_managers); m++) {
            if (strcmp(managed_managers[m].manager, manager) == 0 && managed_owns(entry, custom)) {
                (void)snprintf(out, MANAGED_SIZE, "%s", managed_managers[m].tool);
                return true;
            }
        }
    }
    return false;
}

bool managed_by(const json_t *metadata, bool custom, char out[MANAGED_SIZE]) {
    out[0] = '\0';
    for (size_t i = 0; i < ARRAY_LENGTH(managed_marks); i++) {
        const struct managed_mark *mark = &managed_marks[i];
        const char *text = managed_text(metadata, mark->key);
        if (!text || (mark->value && strcmp(mark->value, text) != 0)) {
            continue;
        }
        const char *name = managed_text(metadata, mark->name);
        if (name) {
            (void)snprintf(out, MANAGED_SIZE, "%s (%s %.*s)", mark->tool, mark->what,
                           (int)strcspn(name, ":"), name);
        } else {
            (void)snprintf(out, MANAGED_SIZE, "%s", mark->tool);
        }
        return true;
    }
    return managed_by_fields(metadata, custom, out);
}

/* Does the entry own the image of that container? */
static bool managed_set_container(const json_t *entry, const char *container) {
    static const char *const lists[] = {"f:containers", "f:initContainers"};
    char key[128];
    const json_t *spec = json_object_member(json_object_member(entry, "fieldsV1"), "f:spec");
    const json_t *job = json_object_member(json_object_member(spec, "f:jobTemplate"), "f:spec");
    const json_t *pod =
        json_object_member(json_object_member(job ? job : spec, "f:template"), "f:spec");
    (void)snprintf(key, sizeof key, "k:{\"name\":\"%.80s\"}", container);
    for (size_t i = 0; i < ARRAY_LENGTH(lists); i++) {
        const json_t *own = json_object_member(json_object_member(pod, lists[i]), key);
        if (json_object_get(own, "f:image")) {
            return true;
        }
    }
    return false;
}

/* Does the entry own the value at that pointer? A list or map owned as a whole has no members
 * here. */
static bool managed_set_value(const json_t *entry, const char *pointer) {
    const json_t *at = json_object_member(entry, "fieldsV1");
    for (const char *part = pointer; at && *part == '/';) {
        char name[128];
        size_t len = strcspn(part + 1, "/");
        (void)snprintf(name, sizeof name, "f:%.*s", (int)len, part + 1);
        if (at != json_object_member(entry, "fieldsV1") && json_object_size(at) == 0) {
            return true;
        }
        at = json_object_get(at, name);
        part += len + 1;
    }
    return at != NULL;
}

static bool managed_set(const json_t *entry, const struct managed_image *image) {
    return image->pointer[0] ? managed_set_value(entry, image->pointer)
                             : managed_set_container(entry, image->container);
}

void managed_image_by(const json_t *metadata, const struct managed_image *image,
                      char out[MANAGED_SIZE]) {
    size_t i = 0;
    json_t *entry = NULL;
    int64_t newest = INT64_MIN;
    out[0] = '\0';
    json_array_foreach(json_array_member(metadata, "managedFields"), i, entry) {
        const char *manager = json_text(entry, "manager");
        const char *time = json_text(entry, "time");
        int64_t at = 0;
        if (manager && managed_set(entry, image) && (!time || clock_parse(time, &at)) &&
            at >= newest) {
            newest = at;
            (void)snprintf(out, MANAGED_SIZE, "%s", manager);
        }
    }
}
