/* Registries: releases their configuration, and chooses their credentials. */
#include "registry/host.h"

void registry_host_release(struct registry_host *host) {
    free(host->host);
    free(host->ca_file);
    for (size_t i = 0; host->token_hosts && host->token_hosts[i]; i++) {
        free(host->token_hosts[i]);
    }
    free(host->token_hosts);
    credentials_release(&host->credentials);
    free(host->docker_config);
    free(host->helper);
    *host = (struct registry_host){0};
}

bool registry_host_credentials(const struct registry_host *host, struct credentials *out,
                               struct err *err) {
    switch (host ? host->source : REGISTRY_ANONYMOUS) {
    case REGISTRY_STATIC:
        return credentials_copy(&host->credentials, out, err);
    case REGISTRY_DOCKER_CONFIG:
        return credentials_from_docker_config_file(host->docker_config, host->host, out, err);
    case REGISTRY_HELPER:
        return credentials_from_helper(host->helper, host->host, out, err);
    case REGISTRY_ANONYMOUS:
        break;
    }
    *out = (struct credentials)CREDENTIALS_INIT;
    return true;
}
