/* The Docker engine, in the configuration: owns its address and TLS. Never contacts it. */
#include "agent/config/keys.h"

static const char *const selections[] = {"opted-in", "all", NULL};

void config_docker_release(struct config_docker *docker) {
    free(docker->host);
    free(docker->tls_ca);
    free(docker->tls_certificate);
    free(docker->tls_key);
}

bool config_docker_remote(const struct config_docker *docker) {
    return strncmp(docker->host, "tcp://", 6) == 0;
}

void config_read_docker(const struct config_value *value) {
    struct config *config = value->out;
    config->docker.enabled = true;
    config_read_map(value);
}

static void read_docker_tls(const struct config_value *value) {
    struct config *config = value->out;
    config->docker.tls = true;
    config_read_map(value);
}

void config_check_docker(struct config_reader *reader, const struct yaml_node *root,
                         const struct config_docker *docker) {
    const struct yaml_node *tls = yaml_get(yaml_get(yaml_get(root, "platforms"), "docker"), "tls");
    if (docker->tls && !config_docker_remote(docker)) {
        config_fault_add(reader, config_at(tls),
                         "`tls` has no use on a socket: remove it, or write host: "
                         "tcp://HOST:PORT");
    }
    const struct yaml_node *certificate = yaml_get(tls, "certificate"), *key = yaml_get(tls, "key");
    if ((certificate != NULL) != (key != NULL)) {
        config_fault_add(reader, config_at(certificate ? certificate : key),
                         "`%s` is missing: certificate and key go together",
                         certificate ? "key" : "certificate");
    }
}

/* ---- the keys ---- */

static const struct config_row docker_tls_rows[] = {
    {.key = "ca",
     .type = "the path of a PEM file",
     .preset = "the system's",
     .meaning = "certificate authorities to trust for the engine",
     .read = config_read_text,
     .check = config_check_readable,
     CONFIG_OF(config, docker.tls_ca)},
    {.key = "certificate",
     .type = "the path of a PEM file",
     .meaning = "our certificate; together with `key`",
     .read = config_read_text,
     .check = config_check_readable,
     CONFIG_OF(config, docker.tls_certificate)},
    {.key = "key",
     .type = "the path of a PEM file",
     .meaning = "together with `certificate`",
     .read = config_read_text,
     .check = config_check_readable,
     CONFIG_OF(config, docker.tls_key)},
    CONFIG_END,
};

const struct config_row config_docker_rows[] = {
    {.key = "host",
     .type = "unix:///PATH or tcp://HOST:PORT",
     .preset = "unix:///var/run/docker.sock",
     .meaning = "the engine's address; Podman's, too",
     .read = config_read_text,
     .check = config_check_docker_host,
     CONFIG_OF(config, docker.host)},
    {.key = "select",
     .type = "opted-in or all",
     .preset = "opted-in",
     .meaning = "`opted-in`: containers with the label `landwaiter.enable=true`; `all`: all "
                "without `landwaiter.enable=false`",
     .read = config_read_either,
     .choices = selections,
     CONFIG_OF(config, docker.select_all)},
    {.key = "tls",
     .type = "a map like {ca: PATH, certificate: PATH, key: PATH}",
     .meaning = "TLS to a tcp:// engine",
     .read = read_docker_tls,
     .rows = docker_tls_rows},
    CONFIG_END,
};
