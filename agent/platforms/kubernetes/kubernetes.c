/* The Kubernetes driver's row in the platform table, and its targets. Its other files: cluster (the
 * client and the watches), index (images of workloads), workload (objects to targets), change (the
 * patch and its undo), observe and rollout (the health gate). */
#include "agent/platforms/kubernetes/change.h"
#include "agent/platforms/kubernetes/cluster.h"
#include "agent/platforms/kubernetes/examine.h"
#include "agent/platforms/kubernetes/nodes.h"
#include "agent/platforms/kubernetes/observe.h"
#include "agent/platforms/kubernetes/pods.h"
#include "agent/platforms/table.h"
#include "base/clock.h"
#include "base/json.h"

static bool kubernetes_configured(const struct config *config) {
    return config->kubernetes.enabled;
}

static bool kubernetes_probe(const struct platform_session *session, struct err *err) {
    struct cluster *cluster = NULL;
    return cluster_of(session, &cluster, err) && cluster_ready(cluster, err);
}

struct listing {
    const struct config *config;
    struct targets *out;
};

static bool listing_add(void *context, const json_t *sighting, size_t place, struct err *err) {
    struct listing *listing = context;
    struct target *added = targets_add(listing->out);
    if (!added) {
        return err_set(err, ERR_BUG, "out of memory");
    }
    if (!workload_target(listing->config, sighting, place, added)) {
        listing->out->count--;
    }
    return true;
}

static bool kubernetes_list(const struct platform_session *session, const struct ref *repository,
                            struct targets *out, struct err *err) {
    struct cluster *cluster = NULL;
    struct listing listing = {.config = session->config, .out = out};
    const struct index_visit visit = {.each = listing_add, .context = &listing};
    const size_t before = out->count;
    if (!cluster_of(session, &cluster, err) || !cluster_filled(cluster, err)) {
        return false;
    }
    if (!index_visit(cluster_index(cluster), repository, &visit, err)) {
        out->count = before;
        return false;
    }
    return true;
}

static const char *sighting_image(const json_t *sighting, const char *container) {
    size_t i = 0;
    json_t *item = NULL;
    json_array_foreach(json_array_member(sighting, "containers"), i, item) {
        const char *name = json_string_value(json_array_get(item, 0));
        if (name && strcmp(name, container) == 0) {
            return json_string_value(json_array_get(item, 1));
        }
    }
    return NULL;
}

/* The digest that its pods run, if the image does not pin one: the tag may have moved since. */
static bool find_running(const struct platform_session *session, const json_t *sighting,
                         const struct index_running *which, struct target *target,
                         struct err *err) {
    CLEANUP(json_release) json_t *pods = NULL;
    struct cluster *cluster = NULL;
    const char *selector = json_text(sighting, "selector");
    const struct pods_query query = {.space = json_text(sighting, "namespace"),
                                     .selector = selector ? selector : "",
                                     .container = which->container,
                                     .image = sighting_image(sighting, which->container)};
    if (target->running[0] || target->problem[0] || !query.selector[0] || !query.image) {
        return true;
    }
    if (!cluster_of(session, &cluster, err)) {
        return false;
    }
    if (index_running(cluster_index(cluster), which, target->running)) {
        return true;
    }
    if (!pods_list(session, &query, &pods, err)) {
        return false;
    }
    pods_digest(pods, which->container, target->running);
    index_note_running(cluster_index(cluster), which, target->running);
    return true;
}

static bool kubernetes_find(const struct platform_session *session, const char *target,
                            struct target *out, struct err *err) {
    struct cluster *cluster = NULL;
    struct workload_name name;
    char key[WORKLOAD_KEY_SIZE];
    if (!cluster_of(session, &cluster, err) ||
        !workload_name_parse(cluster_kinds(cluster), target, &name, err) ||
        !cluster_filled(cluster, err)) {
        return false;
    }
    CLEANUP(json_release)
    json_t *sighting = index_find(cluster_index(cluster), workload_key(&name, key));
    struct target found = {0};
    for (size_t place = 0; workload_target(session->config, sighting, place, &found); place++) {
        if (strcmp(found.name, target) == 0) {
            const struct index_running which = {key, name.container, clock_boot_ms()};
            if (!find_running(session, sighting, &which, &found, err)) {
                return false;
            }
            *out = found;
            return true;
        }
    }
    return err_set(err, ERR_GONE, "there is no %s", target);
}

/* The controller removes the old pods. */
static bool kubernetes_commit(struct platform_task *task, struct err *err) {
    (void)task;
    (void)err;
    return true;
}

const struct platform platform_kubernetes = {
    .name = "kubernetes",
    .opt_in = "set the annotation landwaiter.dev/enable: \"true\" on it",
    .configured = kubernetes_configured,
    .start = cluster_start,
    .stop = cluster_stop,
    .indexed = true,
    .probe = kubernetes_probe,
    .list = kubernetes_list,
    .find = kubernetes_find,
    .check = change_check,
    .steps = change_steps,
    .begun = change_begun,
    .observe = observe_rollout,
    .available_memory = nodes_memory,
    .at_once = nodes_at_once,
    .examine = examine_cluster,
    .commit = kubernetes_commit,
};
