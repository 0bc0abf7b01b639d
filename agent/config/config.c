/* The configuration: owns the snapshot's life, where it comes from, and what its parts must be
 * together. Knows the single keys only through config_keys.c, and never logs. */
#include "agent/config/config.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "agent/config/keys.h"
#include "webhook/sources/table.h"

#define DOCKER_SOCKET "unix:///var/run/docker.sock"
#define DAY_MS ((int64_t)24 * 3600 * 1000)

static const struct config_place config_nowhere = {0, 0, false};

static void config_free(struct config *config) {
    if (!config) {
        return;
    }
    for (size_t i = 0; config->senders.items && i < config->senders.count; i++) {
        sender_release(&config->senders.items[i]);
    }
    for (size_t i = 0; config->registries && i < config->registry_count; i++) {
        registry_host_release(&config->registries[i]);
    }
    config_logins_release(config);
    config_rules_release(config);
    config_windows_release(config);
    secret_release(&config->control_token);
    free(config->senders.items);
    free(config->registries);
    free(config->path);
    free(config->listen);
    free(config->tls_certificate);
    free(config->tls_key);
    free(config->proxies.items);
    free(config->control);
    free(config->metrics);
    free(config->state);
    free(config->docker.host);
    free(config->docker.tls_ca);
    free(config->docker.tls_certificate);
    free(config->docker.tls_key);
    config_kubernetes_release(config);
    free(config);
}

struct config *config_hold(struct config *config) {
    atomic_fetch_add(&config->references, 1);
    return config;
}

void config_drop(struct config *config) {
    if (config && atomic_fetch_sub(&config->references, 1) == 1) {
        config_free(config);
    }
}

void config_release(struct config **config) {
    config_drop(*config);
    *config = NULL;
}

/* What is in force where nobody wrote anything. NULL: out of memory, reported. */
static struct config *config_new(struct config_reader *reader) {
    CLEANUP(config_release) struct config *config = calloc(1, sizeof *config);
    if (config) {
        atomic_init(&config->references, 1);
        settings_init(&config->defaults);
        config->listen = strdup("0.0.0.0:9077");
        config->control = strdup("unix:/run/landwaiter/control.sock");
        config->state = strdup("/var/lib/landwaiter");
        config->docker.host = strdup(DOCKER_SOCKET);
        config->docker.enabled = true;
        config->kubernetes.pin = true;
        config->kubernetes.lease_ms = INT64_C(15) * 1000;
        config->history_ms = 90 * DAY_MS;
        config->log_level = LOG_INFO;
        config->log_format = LOG_AUTO;
        config->concurrency = 2;
    }
    if (!config || !config->listen || !config->control || !config->state || !config->docker.host ||
        !config_logins_init(config) || !config_windows_init(config)) {
        config_fault_add(reader, config_nowhere, "out of memory");
        return NULL;
    }
    return TAKE(config);
}

static struct config_place place_of(const struct yaml_node *node) {
    return node ? config_at(node) : config_nowhere;
}

static void check_control(struct config_reader *reader, const struct yaml_node *root,
                          const struct config *config) {
    const struct yaml_node *node = yaml_get(root, "control");
    if (!config_address_is_socket(config->control) && !yaml_get(root, "control_token")) {
        config_fault_add(reader, place_of(node),
                         "`control` on TCP needs `control_token`: write control_token: {file: "
                         "PATH}, or use unix:PATH");
    }
    if (node && config_address_is_socket(config->control) &&
        strcmp(config->control, config->listen) == 0) {
        config_fault_add(reader, place_of(node),
                         "`control` and `listen` are the same socket: give each its own");
    }
}

static void check_docker(struct config_reader *reader, const struct yaml_node *root,
                         const struct config_docker *docker) {
    const struct yaml_node *tls = yaml_get(yaml_get(yaml_get(root, "platforms"), "docker"), "tls");
    if (docker->tls && strncmp(docker->host, "tcp://", 6) != 0) {
        config_fault_add(reader, place_of(tls),
                         "`tls` has no use on a socket: remove it, or write host: "
                         "tcp://HOST:PORT");
    }
    const struct yaml_node *certificate = yaml_get(tls, "certificate"), *key = yaml_get(tls, "key");
    if ((certificate != NULL) != (key != NULL)) {
        config_fault_add(reader, place_of(certificate ? certificate : key),
                         "`%s` is missing: certificate and key go together",
                         certificate ? "key" : "certificate");
    }
}

/* Each key is right by itself here, or its fault is reported and the built-in value stands. */
static void check_together(struct config_reader *reader, const struct yaml_node *root,
                           const struct config *config) {
    check_control(reader, root, config);
    check_docker(reader, root, &config->docker);
    config_check_unproven(reader, root, config);
    config_check_settings(reader, root, config);
    config_check_freezes(reader, root);
    const struct yaml_node *senders = yaml_get(root, "senders");
    if (!senders || (senders->kind == YAML_LIST && senders->count == 0)) {
        struct config_place place = place_of(senders);
        place.warning = true;
        config_fault_add(reader, place, "there is no sender: nothing can be pushed");
    }
    const struct yaml_node *platforms = yaml_get(root, "platforms");
    if (platforms && platforms->kind == YAML_MAP && platforms->count == 0) {
        config_fault_add(reader, config_warning_at(platforms),
                         "there is no platform: nothing can be updated");
    }
}

/* Literal secrets stand in the tree. */
static void yaml_wipe(struct yaml_node *node) {
    if (!node) {
        return;
    }
    for (size_t i = 0; i < node->count; i++) {
        yaml_wipe(node->items[i]);
    }
    if (node->text) {
        explicit_bzero(node->text, strlen(node->text));
    }
}

static void yaml_wipe_release(struct yaml_node **node) {
    yaml_wipe(*node);
    yaml_release(node);
}

/* libyaml says of a tab only that nothing can start with it. */
static bool is_tab(const char *text, size_t len, const struct yaml_fault *fault) {
    int line = 1;
    size_t at = 0;
    for (; at < len && line < fault->line; at++) {
        line += text[at] == '\n';
    }
    at += fault->column > 0 ? (size_t)fault->column - 1 : 0;
    return at < len && text[at] == '\t';
}

static struct config *read_text(struct config_reader *reader, const char *text, size_t len) {
    CLEANUP(yaml_wipe_release) struct yaml_node *root = NULL;
    struct yaml_fault fault = {.line = 0};
    if (!yaml_parse(text, len, &root, &fault)) {
        config_fault_add(reader, (struct config_place){fault.line, fault.column, false}, "%s%s",
                         fault.message,
                         is_tab(text, len, &fault) ? ": indent with spaces instead of tabs" : "");
        return NULL;
    }
    CLEANUP(config_release) struct config *config = config_new(reader);
    if (!config) {
        return NULL;
    }
    bool map = config_members(&(struct config_value){reader, &config_root, root, config});
    if (map && reader->only) {
        config_check_freezes(reader, root);
    } else if (map) {
        check_together(reader, root, config);
    }
    return TAKE(config);
}

/* Takes the configuration that was read and gives it out when nothing fatal was found. */
static bool finish(struct config_reader *reader, struct config *read, struct config **out,
                   struct config_faults *faults) {
    CLEANUP(config_release) struct config *config = read;
    if (!config_reader_finish(reader, faults) || !config) {
        return false;
    }
    *out = TAKE(config);
    return true;
}

bool config_parse(const char *text, size_t len, struct config **out, struct config_faults *faults) {
    struct config_reader reader = {.count = 0};
    return finish(&reader, read_text(&reader, text, len), out, faults);
}

static const char *environment(const char *name) {
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

/* Replaces *member by what the variable says, when it says anything and check agrees. */
struct environment_key {
    const char *name;
    bool (*check)(const char *text, struct err *err);
};

static void read_environment(struct config_reader *reader, const struct environment_key *key,
                             char **member) {
    const char *value = environment(key->name);
    struct err err = ERR_INIT;
    if (!value) {
        return;
    }
    if (!key->check(value, &err)) {
        config_fault_add(reader, config_nowhere, "%s in the environment: %s", key->name,
                         err.message);
        return;
    }
    char *copy = strdup(value);
    if (!copy) {
        config_fault_add(reader, config_nowhere, "out of memory");
        return;
    }
    free(*member);
    *member = copy;
}

/* As Docker's own client understands them. */
static void read_docker_environment(struct config_reader *reader, struct config_docker *docker) {
    static const struct environment_key host = {"DOCKER_HOST", config_check_docker_host};
    read_environment(reader, &host, &docker->host);
    const char *folder = environment("DOCKER_CERT_PATH");
    if (!environment("DOCKER_TLS_VERIFY") || strncmp(docker->host, "tcp://", 6) != 0) {
        return;
    }
    docker->tls = true;
    if (!folder) {
        return;
    }
    const struct {
        const char *file;
        char **member;
    } files[] = {{"ca.pem", &docker->tls_ca},
                 {"cert.pem", &docker->tls_certificate},
                 {"key.pem", &docker->tls_key}};
    for (size_t i = 0; i < ARRAY_LENGTH(files); i++) {
        CLEANUP(buf_release) struct buf path = BUF_INIT(4095);
        struct err err = ERR_INIT;
        buf_printf(&path, "%s/%s", folder, files[i].file);
        if (!config_check_readable(buf_text(&path), &err)) {
            config_fault_add(reader, config_nowhere, "DOCKER_CERT_PATH in the environment: %s",
                             err.message);
            continue;
        }
        *files[i].member = buf_take(&path);
    }
}

static bool read_token(struct config_reader *reader, const char *path, struct secret *out) {
    static const char variable[] = "LANDWAITER_TOKEN", file_variable[] = "LANDWAITER_TOKEN_FILE";
    const char *file = environment(file_variable);
    struct err err = ERR_INIT;
    bool direct = environment(variable) != NULL;
    if (!direct && !file) {
        config_fault_add(reader, config_nowhere,
                         "there is no configuration file at %.150s and no %s: write the file, or "
                         "set %s or %s to the token that pushes will carry",
                         path, variable, variable, file_variable);
        return false;
    }
    if (direct && file) {
        config_fault_add(reader, config_nowhere, "both %s and %s are set: unset one of them",
                         variable, file_variable);
        return false;
    }
    bool read = direct ? secret_read_env(out, variable, &err) : secret_read_file(out, file, &err);
    if (!read || !config_check_bearer_secret(out, &err)) {
        config_fault_add(reader, config_nowhere, "%s: %s", direct ? variable : file_variable,
                         err.message);
        return false;
    }
    if (out->len < CONFIG_SECRET_SHORT) {
        config_fault_add(reader, (struct config_place){0, 0, true},
                         "%s is shorter than %d bytes and can be guessed: make one with `openssl "
                         "rand -hex 32`",
                         direct ? variable : file_variable, CONFIG_SECRET_SHORT);
    }
    return true;
}

/* The one sender that there is without a file: it may speak for every image. */
static void add_default_sender(struct config_reader *reader, const char *path,
                               struct config *config) {
    CLEANUP(secret_release) struct secret token = SECRET_INIT;
    if (!read_token(reader, path, &token)) {
        return;
    }
    struct sender *sender = calloc(1, sizeof *sender);
    config->senders.items = sender;
    config->senders.count = sender ? 1 : 0;
    bool made = sender && (sender->name = strdup("default")) != NULL &&
                (sender->secrets = calloc(1, sizeof *sender->secrets)) != NULL &&
                (sender->images = calloc(2, sizeof(char *))) != NULL &&
                (sender->images[0] = strdup("**")) != NULL;
    if (!made) {
        config_fault_add(reader, config_nowhere, "out of memory");
        return;
    }
    sender->source = source_find("native");
    sender->auth = SENDER_BEARER;
    sender->secrets[0] = token;
    sender->secret_count = 1;
    token = (struct secret)SECRET_INIT;
}

/* Without a file. */
static struct config *read_built_in(struct config_reader *reader, const char *path) {
    static const struct environment_key listen = {"LANDWAITER_LISTEN", config_check_listen},
                                        control = {"LANDWAITER_CONTROL", config_check_listen},
                                        state = {"LANDWAITER_STATE", config_check_path};
    struct config *config = config_new(reader);
    if (!config) {
        return NULL;
    }
    read_environment(reader, &listen, &config->listen);
    read_environment(reader, &control, &config->control);
    read_environment(reader, &state, &config->state);
    if (!config_address_is_socket(config->control)) {
        config_fault_add(reader, config_nowhere,
                         "LANDWAITER_CONTROL on TCP needs a token: write a configuration file with "
                         "control and control_token, or use unix:PATH");
    }
    read_docker_environment(reader, &config->docker);
    add_default_sender(reader, path, config);
    return config;
}

const char *config_path(const char *path) {
    const char *named = path ? path : environment("LANDWAITER_CONFIG");
    return named ? named : CONFIG_DEFAULT_PATH;
}

static void buf_wipe_release(struct buf *buf) {
    if (buf->data) {
        explicit_bzero(buf->data, buf->len);
    }
    buf_release(buf);
}

static void close_fd(const int *fd) {
    if (*fd >= 0) {
        (void)close(*fd);
    }
}

/* False: errno says why; EFBIG when it is larger than a configuration can be. The memory is taken
 * at once, so that growing leaves no copy of a secret behind. */
static bool read_file(const char *path, struct buf *out) {
    CLEANUP(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        return false;
    }
    out->data = malloc(out->max + 1);
    out->capacity = out->data ? out->max + 1 : 0;
    while (out->data && out->len < out->max) {
        ssize_t got = read(fd, out->data + out->len, out->max - out->len);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            out->data[out->len] = '\0';
            return got == 0;
        }
        out->len += (size_t)got;
    }
    errno = out->data ? EFBIG : ENOMEM;
    return false;
}

static struct config *read_path(struct config_reader *reader, const char *path) {
    /* One byte more than allowed tells a file that is too large. */
    CLEANUP(buf_wipe_release) struct buf text = BUF_INIT(YAML_SIZE_MAX + 1);
    if (!read_file(path, &text)) {
        config_fault_add(reader, config_nowhere, "cannot read the configuration file %.200s: %s",
                         path, strerror(errno));
        return NULL;
    }
    CLEANUP(config_release) struct config *config = read_text(reader, text.data, text.len);
    if (config && !(config->path = strdup(path))) {
        config_fault_add(reader, config_nowhere, "out of memory");
        return NULL;
    }
    return TAKE(config);
}

static bool is_missing(const char *path) {
    return access(path, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR);
}

static struct config *read_any(struct config_reader *reader, const char *path) {
    bool named = path || environment("LANDWAITER_CONFIG");
    const char *where = config_path(path);
    return !named && is_missing(where) ? read_built_in(reader, where) : read_path(reader, where);
}

bool config_load(const char *path, struct config **out, struct config_faults *faults) {
    struct config_reader reader = {.count = 0};
    return finish(&reader, read_any(&reader, path), out, faults);
}

bool config_look(const char *path, struct config **out, struct config_faults *faults) {
    struct config_reader reader = {.looks = true};
    return finish(&reader, read_any(&reader, path), out, faults);
}

bool config_load_windows(const char *path, struct config **out, struct config_faults *faults) {
    static const char *const keys[] = {"windows", "freezes", "min_remaining", "zoneinfo", NULL};
    struct config_reader reader = {.count = 0, .only_of = &config_root, .only = keys};
    bool named = path || environment("LANDWAITER_CONFIG");
    const char *where = config_path(path);
    struct config *config =
        !named && is_missing(where) ? config_new(&reader) : read_path(&reader, where);
    return finish(&reader, config, out, faults);
}
