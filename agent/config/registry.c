/* Registries, in the configuration: turns each into a struct registry_host, and owns the lookup by
 * host. Never contacts a registry. */
#include <stdatomic.h>
#include <unistd.h>

#include "agent/config/keys.h"
#include "base/ref.h"

#define REGISTRIES_MAX 1000
/* Hosts known only from running images; no real machine has more. */
#define LOGINS_MAX 1000

/* A host with the login of the agent's user. Nodes are only ever added, so readers need no lock;
 * they live as long as the snapshot. */
struct config_login {
    struct registry_host host;
    struct config_login *next;
};

struct config_logins {
    char *docker_config;
    _Atomic(struct config_login *) first;
    atomic_uint count;
};

static bool check_helper(const char *text, struct err *err) {
    size_t len = strlen(text);
    bool valid = len <= 64 && strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                           "0123456789_-") == len;
    return valid || err_set(err, ERR_INVALID,
                            "this is not the name of a credential helper: write NAME of "
                            "docker-credential-NAME");
}

/* A dot, a port or the name localhost distinguishes a host from Docker Hub's first path segment.
 * Never quotes the text: it may be a URL with a password. */
static void read_host(const struct config_value *value) {
    struct registry_host *registry = value->out;
    const char *text = config_text(value);
    char image[REF_HOST_MAX + 3];
    struct ref ref;
    if (!text) {
        return;
    }
    if (!ref_host_valid(text)) {
        config_fault_add(value->reader, config_at(value->node),
                         "`host` is not a registry's host: write it as in image names, HOST or "
                         "HOST:PORT, without https:// and path");
        return;
    }
    if (strcmp(text, "registry-1.docker.io") == 0) {
        text = "docker.io"; /* the address of Docker Hub; images never name it */
    }
    (void)snprintf(image, sizeof image, "%s/x", text);
    if (!ref_parse(image, &ref, NULL) ||
        (strcmp(ref.host, text) != 0 && strcmp(text, "index.docker.io") != 0)) {
        config_fault_add(
            value->reader, config_at(value->node),
            "`host`: no image name begins with \"%.64s\" as its registry: write a host "
            "with a dot or a port",
            text);
        return;
    }
    registry->host = config_copy(value, ref.host);
}

static void read_login_file(const struct config_value *value) {
    struct registry_host *registry = value->out;
    struct err err = ERR_INIT;
    config_read_text(value);
    if (registry->docker_config && !config_check_readable(registry->docker_config, &err)) {
        config_fault_add(value->reader, config_warning_at(value->node), "`%s`: %s", value->row->key,
                         err.message);
    }
}

static void read_credentials(const struct config_value *value) {
    struct registry_host *registry = value->out;
    if (!config_members(value)) {
        return;
    }
    const struct yaml_node *username = yaml_get(value->node, "username");
    const struct yaml_node *password = yaml_get(value->node, "password");
    bool file = yaml_get(value->node, "docker_config") != NULL;
    bool helper = yaml_get(value->node, "helper") != NULL;
    if ((username || password) + file + helper != 1) {
        config_fault_add(value->reader, config_at(value->node),
                         "`credentials` needs exactly one kind: write username and password, "
                         "docker_config, or helper");
    } else if ((username || password) && (!username || !password)) {
        config_fault_add(value->reader, config_at(username ? username : password),
                         "`%s` is missing: username and password go together",
                         username ? "password" : "username");
    }
    registry->source = helper ? REGISTRY_HELPER : file ? REGISTRY_DOCKER_CONFIG : REGISTRY_STATIC;
}

static void read_token_hosts(const struct config_value *value) {
    struct registry_host *registry = value->out;
    const struct yaml_node *node = value->node;
    static const struct config_row host = {.key = "token_hosts", .type = "HOST or HOST:PORT"};
    if (node->kind != YAML_LIST) {
        config_fault_add(value->reader, config_at(node),
                         "`token_hosts` must be a list: write [auth.example.net]");
        return;
    }
    registry->token_hosts = calloc(node->count + 1, sizeof(char *));
    if (!registry->token_hosts) {
        config_fault_add(value->reader, config_at(node), "out of memory");
        return;
    }
    size_t count = 0;
    for (size_t i = 0; i < node->count; i++) {
        const struct config_value item = {value->reader, &host, node->items[i], NULL};
        const char *text = config_text(&item);
        if (text && !ref_host_valid(text)) {
            config_fault_add(value->reader, config_at(node->items[i]),
                             "`token_hosts`: this is not a host: write HOST or HOST:PORT, without "
                             "https:// and path");
        } else if (text) {
            char *copy = config_copy(&item, text);
            count += copy != NULL;
            registry->token_hosts[copy ? count - 1 : count] = copy;
        }
    }
}

/* plain_http, ca and insecure_skip_verify contradict each other. */
static void check_trust(const struct config_value *value, const struct registry_host *registry) {
    const struct yaml_node *ca = yaml_get(value->node, "ca");
    const struct yaml_node *insecure = yaml_get(value->node, "insecure_skip_verify");
    if (registry->plain_http && ca) {
        config_fault_add(value->reader, config_at(ca),
                         "`ca` has no use with `plain_http`: remove one of them");
    } else if (registry->plain_http && registry->insecure_skip_verify && insecure) {
        config_fault_add(value->reader, config_at(insecure),
                         "`insecure_skip_verify` has no use with `plain_http`: remove one of them");
    } else if (ca && registry->insecure_skip_verify) {
        config_fault_add(value->reader, config_at(ca),
                         "`ca` has no use with `insecure_skip_verify`: remove one of them");
    }
}

static void read_registry(const struct config_value *value, struct config *config) {
    struct registry_host *registry = &config->registries[config->registry_count++];
    if (!config_members(value)) {
        return;
    }
    check_trust(value, registry);
    for (size_t i = 0; registry->host && i + 1 < config->registry_count; i++) {
        const char *other = config->registries[i].host;
        if (other && strcmp(other, registry->host) == 0) {
            config_fault_add(value->reader, config_at(yaml_get(value->node, "host")),
                             "two registries have the host `%.200s`: join them", registry->host);
            return;
        }
    }
}

void config_read_registries(const struct config_value *value) {
    struct config *config = value->out;
    const struct yaml_node *node = value->node;
    if (node->kind != YAML_LIST || node->count > REGISTRIES_MAX) {
        config_fault_add(value->reader, config_at(node),
                         "`registries` must be a list of at most %d registries: write - host: HOST "
                         "for each",
                         REGISTRIES_MAX);
        return;
    }
    if (node->count == 0) {
        return;
    }
    config->registries = calloc(node->count, sizeof *config->registries);
    if (!config->registries) {
        config_fault_add(value->reader, config_at(node), "out of memory");
        return;
    }
    const struct config_row row = {
        .key = "registries", .type = "host, credentials …", .rows = value->row->rows};
    for (size_t i = 0; i < node->count; i++) {
        const struct config_value item = {value->reader, &row, node->items[i],
                                          &config->registries[config->registry_count]};
        read_registry(&item, config);
    }
}

/* The login file of the agent's user for the docker client; NULL: unknown. */
static char *login_path(void) {
    const char *folder = getenv("DOCKER_CONFIG"), *home = getenv("HOME");
    CLEANUP(buf_release) struct buf path = BUF_INIT(4095);
    if (folder && *folder) {
        buf_printf(&path, "%s/config.json", folder);
    } else if (home && *home) {
        buf_printf(&path, "%s/.docker/config.json", home);
    }
    return path.len > 0 ? buf_take(&path) : NULL;
}

bool config_logins_init(struct config *config) {
    CLEANUP(own_free) char *path = login_path();
    if (!path || access(path, R_OK) != 0) {
        return true;
    }
    config->logins = calloc(1, sizeof *config->logins);
    if (!config->logins) {
        return false;
    }
    config->logins->docker_config = TAKE(path);
    return true;
}

static void login_free(struct config_login *login) {
    if (login) {
        registry_host_release(&login->host);
        free(login);
    }
}

void config_logins_release(struct config *config) {
    if (!config->logins) {
        return;
    }
    struct config_login *login = atomic_load(&config->logins->first);
    while (login) {
        struct config_login *next = login->next;
        login_free(login);
        login = next;
    }
    free(config->logins->docker_config);
    free(config->logins);
    config->logins = NULL;
}

static struct config_login *login_new(const char *docker_config, const char *host) {
    struct config_login *login = calloc(1, sizeof *login);
    if (!login) {
        return NULL;
    }
    login->host.source = REGISTRY_DOCKER_CONFIG;
    login->host.host = strdup(host);
    login->host.docker_config = strdup(docker_config);
    if (!login->host.host || !login->host.docker_config) {
        login_free(login);
        return NULL;
    }
    return login;
}

static const struct registry_host *login_find(struct config_login *login, const char *host) {
    for (; login; login = login->next) {
        if (strcmp(login->host.host, host) == 0) {
            return &login->host;
        }
    }
    return NULL;
}

/* Two threads may add the same host at once; the second node is never found, and is harmless. */
static const struct registry_host *login_for(struct config_logins *logins, const char *host) {
    const struct registry_host *found = login_find(atomic_load(&logins->first), host);
    if (found) {
        return found;
    }
    if (atomic_fetch_add(&logins->count, 1) >= LOGINS_MAX) {
        atomic_store(&logins->count, LOGINS_MAX);
        return NULL;
    }
    struct config_login *login = login_new(logins->docker_config, host);
    if (!login) {
        return NULL;
    }
    struct config_login *first = atomic_load(&logins->first);
    do {
        login->next = first;
    } while (!atomic_compare_exchange_weak(&logins->first, &first, login));
    return &login->host;
}

const struct registry_host *config_registry(const struct config *config, const char *host) {
    for (size_t i = 0; i < config->registry_count; i++) {
        if (strcmp(config->registries[i].host, host) == 0) {
            return &config->registries[i];
        }
    }
    return config->logins ? login_for(config->logins, host) : NULL;
}

/* ---- the keys ---- */

static const struct config_row credentials_rows[] = {
    {.key = "username",
     .type = "a text",
     .meaning = "together with `password`",
     .read = config_read_text,
     CONFIG_OF(registry_host, credentials.username)},
    {.key = "password",
     .type = CONFIG_SECRET_TYPE,
     .meaning = "together with `username`",
     .read = config_read_secret,
     CONFIG_OF(registry_host, credentials.password)},
    {.key = "docker_config",
     .type = "the path of a config.json",
     .meaning = "a file of logins, as `docker login` writes it; read again at each use",
     .read = read_login_file,
     .check = config_check_path,
     CONFIG_OF(registry_host, docker_config)},
    {.key = "helper",
     .type = "NAME of docker-credential-NAME",
     .meaning = "a credential helper, asked at each use",
     .read = config_read_text,
     .check = check_helper,
     CONFIG_OF(registry_host, helper)},
    CONFIG_END,
};

const struct config_row config_registry_rows[] = {
    {.key = "host",
     .type = "HOST or HOST:PORT",
     .required = "the host as in image names",
     .meaning = "as in image names: `docker.io`, `registry.lan:5000`",
     .read = read_host},
    {.key = "plain_http",
     .type = "true or false",
     .preset = "false",
     .meaning = "reach it without TLS",
     .read = config_read_flag,
     CONFIG_OF(registry_host, plain_http)},
    {.key = "ca",
     .type = "the path of a PEM file",
     .preset = "the system's",
     .meaning = "certificate authorities to trust for it",
     .read = config_read_text,
     .check = config_check_readable,
     CONFIG_OF(registry_host, ca_file)},
    {.key = "insecure_skip_verify",
     .type = "true or false",
     .preset = "false",
     .meaning = "do not check its certificate",
     .read = config_read_flag,
     CONFIG_OF(registry_host, insecure_skip_verify)},
    {.key = "credentials",
     .type = "a map: username and password, docker_config, or helper",
     .preset = "anonymous",
     .meaning = "the login",
     .read = read_credentials,
     .rows = credentials_rows},
    {.key = "token_hosts",
     .type = "a list of hosts",
     .meaning = "further hosts that may issue its tokens, and so see the credentials",
     .read = read_token_hosts},
    CONFIG_LATER("mirror_of", "the registry whose images it mirrors"),
    CONFIG_LATER("requests", "the limit of our requests to it"),
    CONFIG_END,
};
