/* Reads nodes and the memory requests of their pods. Changes nothing, and does not guess without
 * permission to read. */
#include "agent/platforms/kubernetes/nodes.h"

#include <string.h>

#include "agent/platforms/kubernetes/cluster.h"
#include "agent/platforms/kubernetes/condition.h"
#include "agent/platforms/kubernetes/kept.h"
#include "agent/platforms/kubernetes/pages.h"
#include "base/clock.h"
#include "base/json.h"

#define NODES_SEVERAL 2

/* ---- quantities ---- */

bool nodes_quantity(const char *text, int64_t *out) {
    static const struct {
        const char *suffix;
        double factor;
    } rows[] = {
        {"", 1},
        {"m", 1e-3},
        {"k", 1e3},
        {"M", 1e6},
        {"G", 1e9},
        {"T", 1e12},
        {"P", 1e15},
        {"E", 1e18},
        {"Ki", 1024.0},
        {"Mi", 1048576.0},
        {"Gi", 1073741824.0},
        {"Ti", 1099511627776.0},
        {"Pi", 1125899906842624.0},
        {"Ei", 1152921504606846976.0},
    };
    size_t digits = strspn(text, "0123456789.");
    char *end = NULL;
    if (digits == 0 || digits > 32 || text[digits] == 'x' || text[digits] == 'X') {
        return false; /* no sign, no "inf", no hexadecimal */
    }
    double value = strtod(text, &end);
    if (end == text) {
        return false;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        if (strcmp(rows[i].suffix, end) == 0) {
            value *= rows[i].factor;
            if (!(value >= 0) || value > 9e18) {
                return false;
            }
            *out = (int64_t)value;
            return true;
        }
    }
    return false;
}

/* ---- room ---- */

static int64_t memory_of(const json_t *resources) {
    const char *text = json_text(resources, "memory");
    int64_t bytes = 0;
    return text && nodes_quantity(text, &bytes) ? bytes : 0;
}

static int64_t add(int64_t a, int64_t b) {
    return a > INT64_MAX - b ? INT64_MAX : a + b;
}

/* A pod's memory as the scheduler counts it: containers and sidecars together, or the largest init
 * container. */
static int64_t pod_request(const json_t *pod) {
    const json_t *spec = json_object_member(pod, "spec");
    int64_t together = 0;
    int64_t greatest = 0;
    size_t i = 0;
    json_t *container = NULL;
    json_array_foreach(json_array_member(spec, "containers"), i, container) {
        const json_t *resources = json_object_member(container, "resources");
        together = add(together, memory_of(json_object_member(resources, "requests")));
    }
    json_array_foreach(json_array_member(spec, "initContainers"), i, container) {
        const json_t *resources = json_object_member(container, "resources");
        int64_t own = memory_of(json_object_member(resources, "requests"));
        const char *restart = json_text(container, "restartPolicy");
        if (restart && strcmp(restart, "Always") == 0) {
            together = add(together, own);
        } else {
            greatest = own > greatest ? own : greatest;
        }
    }
    together = greatest > together ? greatest : together;
    return add(together, memory_of(json_object_member(spec, "overhead")));
}

static bool pod_counts(const json_t *pod) {
    const char *phase = json_text(json_object_member(pod, "status"), "phase");
    return !phase || (strcmp(phase, "Succeeded") != 0 && strcmp(phase, "Failed") != 0);
}

static bool node_takes_pods(const json_t *node) {
    return !json_bool(json_object_member(node, "spec"), "unschedulable", false) &&
           condition_true(node, "Ready");
}

static int64_t node_room(const json_t *node, const json_t *pods) {
    const char *name = json_text(json_object_member(node, "metadata"), "name");
    int64_t allocatable =
        memory_of(json_object_member(json_object_member(node, "status"), "allocatable"));
    int64_t asked = 0;
    size_t i = 0;
    json_t *pod = NULL;
    json_array_foreach(pods, i, pod) {
        const char *where = json_text(json_object_member(pod, "spec"), "nodeName");
        if (name && where && strcmp(name, where) == 0 && pod_counts(pod)) {
            asked = add(asked, pod_request(pod));
        }
    }
    return allocatable > asked ? allocatable - asked : 0;
}

int64_t nodes_room(const json_t *nodes, const json_t *pods) {
    int64_t most = 0;
    size_t i = 0;
    json_t *node = NULL;
    json_array_foreach(nodes, i, node) {
        int64_t room = node_takes_pods(node) ? node_room(node, pods) : 0;
        most = room > most ? room : most;
    }
    return most;
}

/* ---- asking ---- */

/* One that cannot be read has no room, and asks for none. */
static void nodes_keep(void *context, json_t *item, const struct err *fault) {
    (void)fault;
    if (item) {
        (void)json_array_append(context, item);
    }
}

static bool nodes_list(const struct platform_session *session, json_t *out, struct err *err) {
    const struct pages pages = {
        .path = "/api/v1/nodes?", .parts = kept_node, .item = nodes_keep, .context = out};
    return pages_read(session, &pages, err);
}

static bool nodes_pods(const struct platform_session *session, json_t *out, struct err *err) {
    const struct pages pages = {
        .path = "/api/v1/pods?", .parts = kept_pod_memory, .item = nodes_keep, .context = out};
    return pages_read(session, &pages, err);
}

bool nodes_memory(const struct platform_session *session, const char *target, int64_t *out,
                  struct err *err) {
    CLEANUP(json_release) json_t *nodes = json_array();
    CLEANUP(json_release) json_t *pods = json_array();
    struct err failed = ERR_INIT;
    (void)target;
    if (nodes_list(session, nodes, &failed) && nodes_pods(session, pods, &failed)) {
        *out = nodes_room(nodes, pods);
        return true;
    }
    if (failed.kind == ERR_DENIED) {
        *out = -1;
        return true;
    }
    if (err) {
        *err = failed;
    }
    return false;
}

unsigned nodes_at_once(const struct platform_session *session) {
    CLEANUP(json_release) json_t *nodes = json_array();
    struct cluster *cluster = NULL;
    struct err err = ERR_INIT;
    if (!cluster_of(session, &cluster, &err)) {
        return 1;
    }
    struct cluster_nodes *known = cluster_nodes(cluster);
    int64_t now = clock_boot_ms();
    int64_t asked = atomic_load(&known->asked_ms);
    if (asked == 0 || now - asked > CLUSTER_NODES_MS) {
        atomic_store(&known->asked_ms, now);
        if (nodes_list(session, nodes, &err)) {
            atomic_store(&known->count, json_array_size(nodes));
        }
    }
    return atomic_load(&known->count) < NODES_SEVERAL ? 1 : NODES_SEVERAL;
}
