/* Exec credential plugins of a kubeconfig (client.authentication.k8s.io/v1 and v1beta1): programs
 * that provide credentials for a while. */
#ifndef LANDWAITER_AGENT_PLATFORMS_KUBERNETES_PLUGIN_H
#define LANDWAITER_AGENT_PLATFORMS_KUBERNETES_PLUGIN_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/secret.h"
#include "base/yaml.h"

struct plugin;

/* user.exec of a kubeconfig. folder: base of relative commands, "" for none. cluster: the data of
 * provideClusterInfo ({"server", …}), may be NULL. ERR_INVALID: a fault in it. */
bool plugin_new(const struct yaml_node *exec, const char *folder, const json_t *cluster,
                struct plugin **out, struct err *err) MUST_USE;
void plugin_free(struct plugin *plugin);

/* The plugin's answer. */
struct plugin_pass {
    struct secret token;      /* unset: none */
    char *cert_pem, *key_pem; /* NULL: none */
    int64_t expires_ms;       /* wall clock; 0: not given */
};
void plugin_pass_release(struct plugin_pass *pass);
/* Runs it, for a minute at most. ERR_TRANSIENT: it failed, and may succeed later; ERR_INVALID:
 * there is no such program, or its answer is no ExecCredential. Errors never quote the answer. */
bool plugin_run(const struct plugin *plugin, struct plugin_pass *out, struct err *err) MUST_USE;

/* Parses the answer. Pure. */
bool plugin_parse(const char *text, size_t len, struct plugin_pass *out, struct err *err) MUST_USE;

#endif
