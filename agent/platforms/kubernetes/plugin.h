/* Exec credential plugins of a kubeconfig (client.authentication.k8s.io/v1 and v1beta1): a program
 * that says who we are for a while. */
#ifndef LANDWAITER_AGENT_PLATFORMS_KUBERNETES_PLUGIN_H
#define LANDWAITER_AGENT_PLATFORMS_KUBERNETES_PLUGIN_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/secret.h"
#include "base/yaml.h"

struct plugin;

/* user.exec of a kubeconfig. folder: where relative commands are, "" for none. cluster: what
 * provideClusterInfo tells
 * ({"server", …}), may be NULL. ERR_INVALID says what is wrong with it. */
bool plugin_new(const struct yaml_node *exec, const char *folder, const json_t *cluster,
                struct plugin **out, struct err *err) MUST_USE;
void plugin_free(struct plugin *plugin);

/* What it said. */
struct plugin_pass {
    struct secret token;      /* unset: none */
    char *cert_pem, *key_pem; /* NULL: none */
    int64_t expires_ms;       /* wall clock; 0: it did not say */
};
void plugin_pass_release(struct plugin_pass *pass);
/* Runs it; at most a minute. ERR_TRANSIENT: it failed, which it may not the next time; ERR_INVALID:
 * there is no such program, or what it said is no ExecCredential. Its words are never quoted. */
bool plugin_run(const struct plugin *plugin, struct plugin_pass *out, struct err *err) MUST_USE;

/* The answer alone. Pure. */
bool plugin_parse(const char *text, size_t len, struct plugin_pass *out, struct err *err) MUST_USE;

#endif
