/* The doctor's checks of a cluster. Changes nothing. */
#include "agent/platforms/kubernetes/examine.h"

#include <string.h>

#include "agent/platforms/finding.h"
#include "agent/platforms/kubernetes/cluster.h"
#include "agent/platforms/kubernetes/kept.h"
#include "agent/platforms/kubernetes/pages.h"
#include "agent/platforms/kubernetes/workload.h"
#include "base/json.h"

/* ---- permissions ---- */

struct permission {
    const char *group, *resource;
    const char *verbs[6];
    bool everywhere; /* not limited to a namespace */
    enum finding_level level;
    const char *advice;
};

#define ROLE "give its role this permission: contrib/kubernetes has the whole role"

#define WORKLOAD_VERBS                                                                             \
    { "list", "watch", "get", "patch" }

static const struct permission permissions[] = {
    {"apps", "deployments", WORKLOAD_VERBS, false, FINDING_ERROR, ROLE},
    {"apps", "statefulsets", WORKLOAD_VERBS, false, FINDING_ERROR, ROLE},
    {"apps", "daemonsets", WORKLOAD_VERBS, false, FINDING_ERROR, ROLE},
    {"batch", "cronjobs", WORKLOAD_VERBS, false, FINDING_ERROR, ROLE},
    {"", "pods", {"list"}, false, FINDING_ERROR, ROLE},
    {"",
     "events",
     {"create"},
     false,
     FINDING_WARNING,
     "without it `kubectl describe` shows no updates"},
    {"",
     "nodes",
     {"list"},
     true,
     FINDING_NOTE,
     "without it `min_free_memory` cannot be kept, and one workload at a time is rolled out unless "
     "`concurrency` is "
     "written"},
    {"", "pods", {"list"}, true, FINDING_NOTE, "without it `min_free_memory` cannot be kept"},
};

static const struct permission permission_delete = {
    "", "pods", {"delete"}, false, FINDING_ERROR, "`delete_pods` needs it: " ROLE};

/* In the agent's own namespace, with several replicas. */
static const struct permission permissions_shared[] = {
    {"landwaiter.dev",
     "records",
     {"list", "watch", "get", "create", "update", "delete"},
     false,
     FINDING_ERROR,
     "`replicas` need it: " ROLE},
    {"coordination.k8s.io",
     "leases",
     {"create"},
     false,
     FINDING_ERROR,
     "`replicas` need it: " ROLE},
};
static const struct permission permission_lease = {
    "coordination.k8s.io", "leases",
    {"get", "update"},     false,
    FINDING_ERROR,         "`replicas` need it for their own one: " ROLE};

#define FAULTS_TOLD_MAX 20

struct examination {
    const struct platform_session *session;
    json_t *report;
    bool away;        /* the API server does not answer: ask no more */
    const char *name; /* the only object to ask about; NULL: any */
};

/* False: not allowed. True also if the question fails. */
static bool permission_allowed(struct examination *examination, const struct permission *permission,
                               const char *verb, const char *space) {
    CLEANUP(api_answer_release) struct api_answer answer = API_ANSWER_INIT;
    CLEANUP(json_release)
    json_t *body = json_pack("{ss ss s{s{ss ss ss ss}}}", "apiVersion", "authorization.k8s.io/v1",
                             "kind", "SelfSubjectAccessReview", "spec", "resourceAttributes",
                             "group", permission->group, "resource", permission->resource, "verb",
                             verb, "namespace", space);
    if (examination->name) {
        json_t *about = json_object_member(json_object_member(body, "spec"), "resourceAttributes");
        (void)json_object_set_new(about, "name", json_text_or_null(examination->name));
    }
    struct cluster *cluster = NULL;
    struct err err = ERR_INIT;
    const struct api_call call = {.method = "POST",
                                  .path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
                                  .body = body};
    if (!cluster_of(examination->session, &cluster, &err) ||
        !api_call(cluster_api(cluster), examination->session->http, &call, &answer, &err)) {
        examination->away = true;
        finding_add(examination->report,
                    &(struct finding){FINDING_WARNING, "kubernetes",
                                      "run the doctor again when it answers"},
                    "its permissions cannot be checked: %s", err.message);
        return true;
    }
    return json_bool(json_object_member(answer.json, "status"), "allowed", false);
}

/* space: "" for all. */
static void examine_permission(struct examination *examination, const struct permission *permission,
                               const char *space) {
    for (size_t i = 0;
         i < ARRAY_LENGTH(permission->verbs) && permission->verbs[i] && !examination->away; i++) {
        if (!permission_allowed(examination, permission, permission->verbs[i], space)) {
            finding_add(examination->report,
                        &(struct finding){permission->level, "kubernetes", permission->advice},
                        "it may not %s %s in %s%s", permission->verbs[i], permission->resource,
                        space[0] ? "namespace " : "all namespaces", space);
        }
    }
}

/* Kinds that the configuration adds. */
static void examine_kinds(struct examination *examination, const char *space) {
    struct cluster *cluster = NULL;
    if (!cluster_of(examination->session, &cluster, NULL)) {
        return;
    }
    for (const struct kind *kind = cluster_kinds(cluster); kind->name; kind++) {
        char group[256];
        (void)snprintf(group, sizeof group, "%.*s", (int)strcspn(kind->version, "/"),
                       kind->version);
        const struct permission permission = {group, kind->plural,  WORKLOAD_VERBS,
                                              false, FINDING_ERROR, "`resources` name it: " ROLE};
        if (kind->configured) {
            examine_permission(examination, &permission, space);
        }
    }
}

static void examine_space(struct examination *examination, const char *space) {
    for (size_t i = 0; i < ARRAY_LENGTH(permissions); i++) {
        if (!permissions[i].everywhere) {
            examine_permission(examination, &permissions[i], space);
        }
    }
    examine_kinds(examination, space);
    if (examination->session->config->kubernetes.delete_pods) {
        examine_permission(examination, &permission_delete, space);
    }
}

static void examine_replicas(struct examination *examination) {
    const char *lease = examination->session->config->kubernetes.lease;
    struct cluster *cluster = NULL;
    if (!lease || !cluster_of(examination->session, &cluster, NULL)) {
        return;
    }
    const char *space = access_namespace(api_access(cluster_api(cluster)));
    space = space[0] ? space : "default";
    for (size_t i = 0; i < ARRAY_LENGTH(permissions_shared); i++) {
        examine_permission(examination, &permissions_shared[i], space);
    }
    examination->name = lease;
    examine_permission(examination, &permission_lease, space);
    examination->name = NULL;
}

static void examine_permissions(struct examination *examination) {
    static char *everywhere[] = {"", NULL};
    char **spaces = examination->session->config->kubernetes.namespaces;
    for (char **space = spaces ? spaces : everywhere; *space && !examination->away; space++) {
        examine_space(examination, *space);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(permissions); i++) {
        if (permissions[i].everywhere) {
            examine_permission(examination, &permissions[i], "");
        }
    }
    examine_replicas(examination);
}

/* ---- workloads ---- */

static bool workload_probed(const struct kind *kind, const json_t *object) {
    size_t i = 0;
    json_t *container = NULL;
    json_array_foreach(
        json_array_member(json_object_member(kind_pod(kind, object), "spec"), "containers"), i,
        container) {
        if (!json_object_member(container, "readinessProbe")) {
            return false;
        }
    }
    return true;
}

/* Does a rolling update of a single replica keep it? Shares are rounded down: 25 % of one is
 * none. */
static bool workload_keeps_one(const json_t *spec) {
    const json_t *rolling =
        json_object_member(json_object_member(spec, "strategy"), "rollingUpdate");
    const json_t *most = json_member(rolling, "maxUnavailable");
    const char *share = json_string_value(most);
    return json_is_string(most) ? strtol(share, NULL, 10) < 100 && strchr(share, '%') != NULL
                                : json_integer_value(most) == 0;
}

static void examine_gap(const struct kind *kind, const json_t *spec, const char *name,
                        json_t *report) {
    const char *strategy = json_text(json_object_member(spec, "strategy"), "type");
    int64_t replicas = json_int(spec, "replicas", 1);
    if (kind->rollout == ROLLOUT_DEPLOYMENT && strategy && strcmp(strategy, "Recreate") == 0) {
        finding_add(report,
                    &(struct finding){FINDING_WARNING, name,
                                      "where two may run at once, set its strategy to "
                                      "RollingUpdate with maxUnavailable: 0"},
                    "its strategy is Recreate: it is down while it is updated");
    } else if (kind->rollout == ROLLOUT_DEPLOYMENT && replicas == 1 && !workload_keeps_one(spec)) {
        finding_add(
            report,
            &(struct finding){FINDING_WARNING, name, "set maxUnavailable: 0, or more replicas"},
            "its one replica may be removed before the new one is ready");
    } else if (kind->rollout == ROLLOUT_STATEFULSET && replicas == 1) {
        finding_add(report,
                    &(struct finding){FINDING_NOTE, name,
                                      "more replicas keep it up, where it can have them"},
                    "a StatefulSet of one replica is down while it is updated");
    }
}

void examine_workload(const struct kind *kind, const json_t *object, json_t *report) {
    const json_t *metadata = json_object_member(object, "metadata");
    const char *space = json_text(metadata, "namespace");
    const char *own = json_text(metadata, "name");
    char name[WORKLOAD_KEY_SIZE + 16];
    (void)snprintf(name, sizeof name, "kubernetes/%s/%s/%s", space ? space : "", kind->name,
                   own ? own : "");
    if (kind->rollout == ROLLOUT_NONE) {
        return;
    }
    if (!workload_probed(kind, object)) {
        finding_add(
            report,
            &(struct finding){FINDING_WARNING, name,
                              "give each of its containers a readinessProbe"},
            "it has no readiness probe: a new pod counts as good as soon as its process runs");
    }
    examine_gap(kind, json_object_member(object, "spec"), name, report);
}

struct viewing {
    const struct platform_session *session;
    const struct kind *kind;
    json_t *report;
};

static void view_workload(void *context, json_t *object, const struct err *fault) {
    const struct viewing *viewing = context;
    CLEANUP(json_release)
    json_t *sighting = object ? workload_sighting(viewing->kind, object, fault)
                              : NULL; /* examine_faults tells of it */
    struct target target = {0};
    for (size_t place = 0; workload_target(viewing->session->config, sighting, place, &target);
         place++) {
        if (target.enabled) {
            examine_workload(viewing->kind, object, viewing->report);
            return;
        }
    }
}

/* space: NULL for all. Missing permissions are reported elsewhere. */
static void examine_kind(struct examination *examination, const struct kind *kind,
                         const char *space) {
    char path[API_PATH_SIZE];
    struct err err = ERR_INIT;
    struct viewing viewing = {examination->session, kind, examination->report};
    struct kept kept;
    kept_of(kind, &kept);
    (void)snprintf(path, sizeof path, "%s%s%s/%s?", kind->api, space ? "/namespaces/" : "",
                   space ? space : "", kind->plural);
    const struct pages pages = {
        .path = path, .parts = kept.members, .item = view_workload, .context = &viewing};
    if (!pages_read(examination->session, &pages, &err) && err.kind == ERR_GONE) {
        finding_add(
            examination->report,
            &(struct finding){FINDING_WARNING, "kubernetes",
                              "install its custom resource definition, or set its `apiVersion` and "
                              "`plural` to what `kubectl api-resources` shows"},
            "the cluster has no %s of %s", kind->plural, kind->version);
    }
}

static void examine_workloads(struct examination *examination) {
    static char *everywhere[] = {NULL, NULL};
    char **spaces = examination->session->config->kubernetes.namespaces;
    struct cluster *cluster = NULL;
    spaces = spaces ? spaces : everywhere;
    size_t at = 0;
    if (!cluster_of(examination->session, &cluster, NULL)) {
        return;
    }
    do {
        for (const struct kind *kind = cluster_kinds(cluster); kind->name; kind++) {
            examine_kind(examination, kind, spaces[at]);
        }
    } while (spaces[at] && spaces[++at]);
}

/* ---- objects that cannot be read ---- */

struct faults_viewing {
    const struct platform_session *session;
    json_t *report;
    size_t told, untold;
};

/* Those of which a target is enabled have its problem as a finding already. */
static bool fault_enabled(const struct faults_viewing *viewing, const json_t *sighting) {
    struct target target = {0};
    for (size_t place = 0; workload_target(viewing->session->config, sighting, place, &target);
         place++) {
        if (target.enabled) {
            return true;
        }
    }
    return false;
}

static bool view_fault(void *context, const json_t *sighting, size_t place, struct err *err) {
    struct faults_viewing *viewing = context;
    char name[WORKLOAD_KEY_SIZE + 16];
    (void)place;
    (void)err;
    if (fault_enabled(viewing, sighting)) {
        return true;
    }
    if (viewing->told == FAULTS_TOLD_MAX) {
        viewing->untold++;
        return true;
    }
    viewing->told++;
    (void)snprintf(name, sizeof name, "kubernetes/%s/%s/%s", json_text(sighting, "namespace"),
                   json_text(sighting, "kind"), json_text(sighting, "name"));
    finding_add(viewing->report,
                &(struct finding){FINDING_NOTE, name,
                                  "correct or delete the object; no other one is affected"},
                "a part of it cannot be read, so pushes do not update it: %s",
                json_text(sighting, "fault"));
    return true;
}

static void examine_faults(struct examination *examination) {
    struct cluster *cluster = NULL;
    struct faults_viewing viewing = {examination->session, examination->report, 0, 0};
    const struct index_visit visit = {.each = view_fault, .context = &viewing};
    struct err err = ERR_INIT;
    if (!cluster_of(examination->session, &cluster, NULL)) {
        return;
    }
    if (!index_faults(cluster_index(cluster), &visit, &err)) {
        finding_add(examination->report,
                    &(struct finding){FINDING_WARNING, "kubernetes", "run the doctor again"},
                    "its index cannot be read: %s", err.message);
    }
    if (viewing.untold > 0) {
        finding_add(examination->report,
                    &(struct finding){FINDING_NOTE, "kubernetes", "correct or delete them"},
                    "%zu more objects cannot be read", viewing.untold);
    }
}

void examine_cluster(const struct platform_session *session, json_t *report) {
    struct examination examination = {.session = session, .report = report};
    examine_permissions(&examination);
    examine_faults(&examination);
    if (!examination.away) {
        examine_workloads(&examination);
    }
}
