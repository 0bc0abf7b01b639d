/* The tables of kept members. */
#include "agent/platforms/kubernetes/kept.h"

#include <string.h>

#define KIB ((size_t)1024)
#define WHOLE(name)                                                                                \
    { name, NULL, 0, false }
#define END                                                                                        \
    { NULL, NULL, 0, false }

/* The index keeps these of every object, so they are small. */
static const struct json_sieve_part any[] = {{"*", NULL, 1 * KIB, false}, END};

/* ---- workloads ---- */

static const struct json_sieve_part owned_spec[] = {{"f:template", json_sieve_nothing, 0, false},
                                                    {"f:jobTemplate", json_sieve_nothing, 0, false},
                                                    END};
static const struct json_sieve_part owned[] = {{"f:spec", owned_spec, 0, false}, END};
static const struct json_sieve_part managed[] = {
    WHOLE("manager"), {"fieldsV1", owned, 0, false}, END};

static const struct json_sieve_part annotations[] = {
    {"landwaiter.dev/*", NULL, 4 * KIB, false}, WHOLE("kustomize.toolkit.fluxcd.io/name"),
    WHOLE("helm.toolkit.fluxcd.io/name"),       WHOLE("argocd.argoproj.io/tracking-id"),
    WHOLE("argocd.argoproj.io/instance"),       WHOLE("app.kubernetes.io/managed-by"),
    WHOLE("meta.helm.sh/release-name"),         END};

static const struct json_sieve_part metadata[] = {WHOLE("name"),
                                                  WHOLE("namespace"),
                                                  WHOLE("uid"),
                                                  WHOLE("resourceVersion"),
                                                  WHOLE("deletionTimestamp"),
                                                  {"labels", any, 16 * KIB, false},
                                                  {"annotations", annotations, 16 * KIB, false},
                                                  {"managedFields", managed, 64 * KIB, false},
                                                  END};

static const struct json_sieve_part container[] = {{"name", NULL, 1 * KIB, false},
                                                   {"image", NULL, 8 * KIB, false},
                                                   {"readinessProbe", json_sieve_nothing, 0, false},
                                                   END};
static const struct json_sieve_part pod_spec[] = {{"containers", container, 32 * KIB, false},
                                                  {"initContainers", container, 32 * KIB, false},
                                                  END};
static const struct json_sieve_part template[] = {{"spec", pod_spec, 0, false}, END};
static const struct json_sieve_part job_spec[] = {{"template", template, 0, false}, END};
static const struct json_sieve_part job[] = {{"spec", job_spec, 0, false}, END};
static const struct json_sieve_part spec[] = {WHOLE("replicas"),
                                              WHOLE("paused"),
                                              WHOLE("suspend"),
                                              {"selector", NULL, 4 * KIB, false},
                                              WHOLE("strategy"),
                                              {"template", template, 0, false},
                                              {"jobTemplate", job, 0, false},
                                              END};

static const struct json_sieve_part kept_workload[] = {WHOLE("apiVersion"),
                                                       WHOLE("code"),
                                                       {"metadata", metadata, 0, false},
                                                       {"spec", spec, 0, false},
                                                       END};

/* ---- custom resources ---- */

static bool kept_has(const struct kept *kept, const char *name) {
    const struct json_sieve_part *part = kept->members;
    while (part->name && strcmp(part->name, name) != 0) {
        part++;
    }
    return part->name != NULL;
}

/* Keeps the outermost member of a configured path, whole. */
static void kept_path(const struct json_path *path, struct kept *out, size_t *count) {
    const char *name = path->names + path->parts[0].at;
    if (path->count > 0 && path->parts[0].kind == JSON_PATH_MEMBER && !kept_has(out, name) &&
        *count + 1 < KEPT_MEMBERS) {
        out->members[(*count)++] = (struct json_sieve_part){name, NULL, 1024 * KIB, false};
    }
}

void kept_of(const struct kind *kind, struct kept *out) {
    static const struct json_sieve_part custom[] = {WHOLE("apiVersion"), WHOLE("code")};
    const struct config_kubernetes *configured = kind->configured;
    size_t count = ARRAY_LENGTH(custom);
    *out = (struct kept){.members = {END}};
    if (!configured) {
        memcpy(out->members, kept_workload, sizeof kept_workload);
        return;
    }
    memcpy(out->members, custom, sizeof custom);
    for (size_t i = 0; i < configured->resource_count; i++) {
        const struct config_resource *resource = &configured->resources[i];
        if (strcmp(resource->name, kind->name) == 0) {
            kept_path(&resource->image_at, out, &count);
            kept_path(&resource->name_at, out, &count);
            kept_path(&resource->tag_at, out, &count);
            kept_path(&resource->digest_at, out, &count);
        }
    }
    if (!kept_has(out, "metadata")) {
        out->members[count++] = (struct json_sieve_part){"metadata", metadata, 0, false};
    }
    if (!kept_has(out, "spec") && count + 1 < KEPT_MEMBERS) {
        out->members[count] = (struct json_sieve_part){"spec", spec, 0, false};
    }
}

/* ---- pods and nodes ---- */

static const struct json_sieve_part pod_annotations[] = {WHOLE("status.landwaiter.dev/*"), END};
static const struct json_sieve_part pod_metadata[] = {WHOLE("name"),
                                                      WHOLE("uid"),
                                                      WHOLE("deletionTimestamp"),
                                                      {"annotations", pod_annotations, 0, false},
                                                      END};
const struct json_sieve_part kept_pod[] = {{"metadata", pod_metadata, 0, false},
                                           {"spec", pod_spec, 0, false},
                                           {"status", NULL, 256 * KIB, false},
                                           END};

static const struct json_sieve_part node_metadata[] = {WHOLE("name"), END};
static const struct json_sieve_part node_spec[] = {WHOLE("unschedulable"), END};
static const struct json_sieve_part node_status[] = {WHOLE("allocatable"), WHOLE("conditions"),
                                                     END};
const struct json_sieve_part kept_node[] = {{"metadata", node_metadata, 0, false},
                                            {"spec", node_spec, 0, false},
                                            {"status", node_status, 0, false},
                                            END};

static const struct json_sieve_part memory[] = {WHOLE("memory"), END};
static const struct json_sieve_part resources[] = {{"requests", memory, 0, false}, END};
static const struct json_sieve_part asking[] = {
    WHOLE("restartPolicy"), {"resources", resources, 0, false}, END};
static const struct json_sieve_part memory_spec[] = {WHOLE("nodeName"),
                                                     {"containers", asking, 0, false},
                                                     {"initContainers", asking, 0, false},
                                                     {"overhead", memory, 0, false},
                                                     END};
static const struct json_sieve_part memory_status[] = {WHOLE("phase"), END};
const struct json_sieve_part kept_pod_memory[] = {
    {"spec", memory_spec, 0, false}, {"status", memory_status, 0, false}, END};
