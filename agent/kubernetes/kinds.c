/* The table of kinds. */
#include "agent/kubernetes/kinds.h"

#include <string.h>

#include "base/json.h"

#define KIND_PART_SIZE 64

const struct kind kinds_table[] = {
    {"deployment", "Deployment", "/apis/apps/v1", "apps/v1", "deployments", "/spec/template",
     ROLLOUT_DEPLOYMENT},
    {"statefulset", "StatefulSet", "/apis/apps/v1", "apps/v1", "statefulsets", "/spec/template",
     ROLLOUT_STATEFULSET},
    {"daemonset", "DaemonSet", "/apis/apps/v1", "apps/v1", "daemonsets", "/spec/template",
     ROLLOUT_DAEMONSET},
    {"cronjob", "CronJob", "/apis/batch/v1", "batch/v1", "cronjobs",
     "/spec/jobTemplate/spec/template", ROLLOUT_NONE},
    {NULL, NULL, NULL, NULL, NULL, NULL, ROLLOUT_NONE},
};

const struct kind *kind_find(const char *name) {
    for (const struct kind *kind = kinds_table; kind->name; kind++) {
        if (strcmp(kind->name, name) == 0) {
            return kind;
        }
    }
    return NULL;
}

json_t *kind_pod(const struct kind *kind, const json_t *object) {
    json_t *at = (json_t *)object;
    for (const char *part = kind->pod; at && *part == '/';) {
        char name[KIND_PART_SIZE];
        size_t len = strcspn(part + 1, "/");
        (void)snprintf(name, sizeof name, "%.*s", (int)len, part + 1);
        at = json_object_member(at, name);
        part += len + 1;
    }
    return at;
}
