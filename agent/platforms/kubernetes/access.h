/* The address of a cluster's API server, and our credentials there: the pod's own service account,
 * or a kubeconfig file (contexts, client certificates, tokens, exec credential plugins). Owns all
 * credentials; hands them out for one call at a time and never writes them into an error.
 *
 * Thread-safe. Reads rotating credentials (token file, CA file, a plugin's answer until its
 * expirationTimestamp) again when they changed or expired, at most a minute late. */
#ifndef LANDWAITER_AGENT_PLATFORMS_KUBERNETES_ACCESS_H
#define LANDWAITER_AGENT_PLATFORMS_KUBERNETES_ACCESS_H

#include <stdbool.h>

#include "base/err.h"
#include "base/http.h"

struct access;

struct access_options {
    const char *kubeconfig; /* a path; NULL: in the cluster (KUBERNETES_SERVICE_HOST and _PORT, and
                               the service account's files) */
    const char *context;    /* NULL: the file's current-context */
    const char *accounts;   /* NULL: /var/run/secrets/kubernetes.io/serviceaccount; for tests */
};

/* ERR_INVALID: a fault in a file; the message says where and what to write; ERR_GONE: not in a
 * cluster and no kubeconfig. */
bool access_open(const struct access_options *options, struct access **out,
                 struct err *err) MUST_USE;
void access_free(struct access *access);

/* "https://10.96.0.1:443", without a closing slash; lives as long as access. */
const char *access_server(const struct access *access);
/* The context's namespace, or the pod's own; "" if unknown. */
const char *access_namespace(const struct access *access);

/* The credentials of one call. */
struct access_pass {
    struct http_tls tls;      /* points into the pass */
    char *authorization;      /* "Authorization: Bearer …", or NULL */
    char *cert_pem, *key_pem; /* of a plugin, for this call; or NULL */
};
/* Blocks while an exec plugin runs (60 s at most). ERR_TRANSIENT: the files or the plugin cannot be
 * read now. */
bool access_pass(struct access *access, struct access_pass *out, struct err *err) MUST_USE;
/* Wipes the credentials. For CLEANUP. */
void access_pass_release(struct access_pass *pass);
/* The server refused that pass (401): read the next one again. */
void access_refused(struct access *access);

#endif
