/* The cluster in the configuration: owns its namespaces and what its keys must be together. Never
 * contacts an API server, and reads no kubeconfig. */
#include "agent/config/keys.h"

#define NAMESPACES_MAX 64 /* each is watched by itself */

void config_kubernetes_release(struct config *config) {
    struct config_kubernetes *kubernetes = &config->kubernetes;
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

bool config_check_lease(const char *text, struct err *err) {
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

void config_read_namespaces(const struct config_value *value) {
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
