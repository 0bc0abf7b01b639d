/* The cluster, in the configuration: owns its namespaces and the checks between its keys. Contacts
 * no API server, and reads no kubeconfig. */
#include "agent/config/keys.h"

static const char *const selections[] = {"opted-in", "all", NULL};

#define NAMESPACES_MAX 64 /* each has its own watch */

void config_kubernetes_release(struct config_kubernetes *kubernetes) {
    for (char **name = kubernetes->namespaces; name && *name; name++) {
        free(*name);
    }
    free((void *)kubernetes->namespaces);
    free(kubernetes->kubeconfig);
    free(kubernetes->context);
    free(kubernetes->lease);
    config_resources_release(kubernetes);
}

static bool namespaces_same(char *const *a, char *const *b) {
    while (a && b && *a && *b && strcmp(*a, *b) == 0) {
        a++;
        b++;
    }
    return a && b ? !*a && !*b : a == b;
}

bool config_kubernetes_same(const struct config_kubernetes *a, const struct config_kubernetes *b) {
    return a->enabled == b->enabled && config_text_same(a->kubeconfig, b->kubeconfig) &&
           config_text_same(a->context, b->context) && config_text_same(a->lease, b->lease) &&
           a->lease_ms == b->lease_ms && namespaces_same(a->namespaces, b->namespaces) &&
           config_resources_same(a, b);
}

void config_read_kubernetes(const struct config_value *value) {
    struct config *config = value->out;
    config->kubernetes.enabled = true;
    config_read_map(value);
    const struct yaml_node *context = yaml_get(value->node, "context");
    if (context && !yaml_get(value->node, "kubeconfig")) {
        config_fault_add(value->reader, config_at(context),
                         "`context` is one of a kubeconfig's: write kubeconfig: PATH too, or "
                         "remove it");
    }
}

static bool check_lease(const char *text, struct err *err) {
    return config_label_valid(text) ||
           err_set(err, ERR_INVALID,
                   "\"%.64s\" is not the name of a Lease: write up to %d of a-z, 0-9 and -", text,
                   SETTINGS_NAME_SIZE - 1);
}

static bool namespaces_named(const struct config_value *value, const char *text,
                             const struct yaml_node *node) {
    struct err err = ERR_INIT;
    const struct yaml_node *list = value->node;
    if (strcmp(text, "*") == 0) {
        config_fault_add(value->reader, config_at(node),
                         "`namespaces`: \"*\" stands for all: write it alone, [\"*\"]");
        return false;
    }
    if (!config_check_namespace(text, &err)) {
        config_fault_add(value->reader, config_at(node), "`namespaces`: %s", err.message);
        return false;
    }
    for (size_t i = 0; list->items[i] != node; i++) {
        if (list->items[i]->kind == YAML_SCALAR && strcmp(list->items[i]->text, text) == 0) {
            config_fault_add(value->reader, config_at(node),
                             "`namespaces` names \"%.64s\" twice: remove one", text);
            return false;
        }
    }
    return true;
}

static bool namespaces_all(const struct yaml_node *list) {
    return list->count == 1 && list->items[0]->kind == YAML_SCALAR &&
           strcmp(list->items[0]->text, "*") == 0;
}

static void read_namespaces(const struct config_value *value) {
    static const struct config_row one = {.key = "namespaces", .type = "a list of namespaces"};
    struct config *config = value->out;
    const struct yaml_node *list = value->node;
    if (list->kind != YAML_LIST || list->count == 0 || list->count > NAMESPACES_MAX) {
        config_fault_add(value->reader, config_at(list),
                         "`namespaces` must be a list of 1 to %d: write [shop, blog], or [\"*\"] "
                         "for all",
                         NAMESPACES_MAX);
        return;
    }
    if (namespaces_all(list)) {
        return;
    }
    config->kubernetes.namespaces = calloc(list->count + 1, sizeof(char *));
    size_t count = 0;
    for (size_t i = 0; config->kubernetes.namespaces && i < list->count; i++) {
        const struct config_value item = {value->reader, &one, list->items[i], NULL};
        const char *text = config_text(&item);
        if (text && namespaces_named(value, text, list->items[i])) {
            char *copy = config_copy(value, text);
            config->kubernetes.namespaces[count] = copy;
            count += copy != NULL;
        }
    }
}

/* ---- the keys ---- */

static const struct config_row replicas_rows[] = {
    {.key = "lease",
     .type = "the name of a Lease",
     .required = "the name of the Lease that they share, like lease: landwaiter",
     .meaning = "elects the replica that works; made in the agent's own namespace",
     .read = config_read_text,
     .check = check_lease,
     CONFIG_OF(config, kubernetes.lease)},
    {.key = "duration",
     .type = "a duration, 3s to 10m",
     .preset = "15s",
     .meaning = "how long the others wait for a silent leader",
     .read = config_read_duration,
     .min = 3000,
     .max = 600000,
     CONFIG_OF(config, kubernetes.lease_ms)},
    CONFIG_END,
};

const struct config_row config_kubernetes_rows[] = {
    {.key = "namespaces",
     .type = "a list of namespaces like [shop, blog], or [\"*\"]",
     .preset = "[\"*\"], all",
     .meaning = "the namespaces of the workloads; with names, roles in these namespaces suffice",
     .read = read_namespaces},
    {.key = "select",
     .type = "opted-in or all",
     .preset = "opted-in",
     .meaning = "`opted-in`: workloads with the annotation `landwaiter.dev/enable: \"true\"`; "
                "`all`: all without `landwaiter.dev/enable: \"false\"`",
     .read = config_read_either,
     .choices = selections,
     CONFIG_OF(config, kubernetes.select_all)},
    {.key = "kubeconfig",
     .type = "the path of a kubeconfig file",
     .preset = "the service account of the agent's pod",
     .meaning = "the way to the API server from outside of the cluster",
     .read = config_read_text,
     .check = config_check_readable,
     CONFIG_OF(config, kubernetes.kubeconfig)},
    {.key = "context",
     .type = "the name of a context",
     .preset = "the file's current-context",
     .meaning = "the context of `kubeconfig` to use",
     .read = config_read_text,
     CONFIG_OF(config, kubernetes.context)},
    {.key = "pin",
     .type = "true or false",
     .preset = "true",
     .meaning = "write images as NAME:TAG@DIGEST, so that every pod runs exactly the checked "
                "image; `false`: as NAME:TAG",
     .read = config_read_flag,
     CONFIG_OF(config, kubernetes.pin)},
    {.key = "delete_pods",
     .type = "true or false",
     .preset = "false",
     .meaning = "delete the pods that block a StatefulSet after a rollback: Kubernetes does not "
                "replace them",
     .read = config_read_flag,
     CONFIG_OF(config, kubernetes.delete_pods)},
    {.key = "replicas",
     .type = "a map like {lease: landwaiter}",
     .preset = "one replica",
     .meaning = "several replicas of Landwaiter work as one; docs/replicas.md",
     .read = config_read_map,
     .rows = replicas_rows},
    {.key = "resources",
     .type = "a list of maps like {apiVersion: argoproj.io/v1alpha1, kind: Rollout, image: PATH}",
     .preset = "[]",
     .meaning = "custom resources with images, and the paths of these; docs/resources.md",
     .infix = CONFIG_LIST,
     .read = config_read_resources,
     .rows = config_resource_rows},
    CONFIG_END,
};
