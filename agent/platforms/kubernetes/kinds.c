/* The table of kinds. */
#include "agent/platforms/kubernetes/kinds.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"

#define KIND_PART_SIZE 64

const struct kind kinds_table[] = {
    {"deployment", "Deployment", "/apis/apps/v1", "apps/v1", "deployments", "/spec/template",
     ROLLOUT_DEPLOYMENT, NULL},
    {"statefulset", "StatefulSet", "/apis/apps/v1", "apps/v1", "statefulsets", "/spec/template",
     ROLLOUT_STATEFULSET, NULL},
    {"daemonset", "DaemonSet", "/apis/apps/v1", "apps/v1", "daemonsets", "/spec/template",
     ROLLOUT_DAEMONSET, NULL},
    {"cronjob", "CronJob", "/apis/batch/v1", "batch/v1", "cronjobs",
     "/spec/jobTemplate/spec/template", ROLLOUT_NONE, NULL},
    {NULL, NULL, NULL, NULL, NULL, NULL, ROLLOUT_NONE, NULL},
};

static struct kind kind_of(const struct config_kubernetes *kubernetes,
                           const struct config_resource *resource) {
    return (struct kind){.name = resource->name,
                         .object = resource->kind,
                         .api = resource->api,
                         .version = resource->version,
                         .plural = resource->plural,
                         .rollout = ROLLOUT_CUSTOM,
                         .configured = kubernetes};
}

struct kind *kinds_new(const struct config_kubernetes *kubernetes) {
    const size_t known = ARRAY_LENGTH(kinds_table) - 1;
    struct kind *kinds = calloc(known + kubernetes->resource_count + 1, sizeof *kinds);
    if (!kinds) {
        return NULL;
    }
    memcpy(kinds, kinds_table, known * sizeof *kinds);
    size_t count = known;
    for (size_t i = 0; i < kubernetes->resource_count; i++) {
        if (!kind_find(kinds, kubernetes->resources[i].name)) {
            kinds[count++] = kind_of(kubernetes, &kubernetes->resources[i]);
        }
    }
    return kinds;
}

const struct kind *kind_find(const struct kind *kinds, const char *name) {
    for (const struct kind *kind = kinds; kind->name; kind++) {
        if (strcmp(kind->name, name) == 0) {
            return kind;
        }
    }
    return NULL;
}

json_t *kind_pod(const struct kind *kind, const json_t *object) {
    json_t *at = kind->pod ? (json_t *)object : NULL;
    for (const char *part = kind->pod; at && *part == '/';) {
        char name[KIND_PART_SIZE];
        size_t len = strcspn(part + 1, "/");
        (void)snprintf(name, sizeof name, "%.*s", (int)len, part + 1);
        at = json_object_member(at, name);
        part += len + 1;
    }
    return at;
}
