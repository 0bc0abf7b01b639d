/* The access to one registry, as configured, and its credentials. */
#ifndef LANDWAITER_REGISTRY_HOST_H
#define LANDWAITER_REGISTRY_HOST_H

#include <stdbool.h>

#include "base/err.h"
#include "registry/credentials.h"

/* The default is https with the system's CAs, anonymously. */
struct registry_host {
    char *host; /* as in a normalised reference: "docker.io", "registry.lan:5000" */
    bool plain_http;
    bool insecure_skip_verify;
    char *ca_file;
    char **token_hosts; /* NULL-terminated, may be NULL */
    enum { REGISTRY_ANONYMOUS, REGISTRY_STATIC, REGISTRY_DOCKER_CONFIG, REGISTRY_HELPER } source;
    struct credentials credentials; /* REGISTRY_STATIC */
    /* REGISTRY_DOCKER_CONFIG: a path, read again at each use, as logins change it */
    char *docker_config;
    char *helper; /* REGISTRY_HELPER */
};
void registry_host_release(struct registry_host *host);

/* The present credentials for a host. host may be NULL: anonymous. */
bool registry_host_credentials(const struct registry_host *host, struct credentials *out,
                               struct err *err) MUST_USE;

#endif
