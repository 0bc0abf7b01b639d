/* The configuration: owns the snapshot's life, its sources, and the checks between sections. Never
 * logs; only the sections know their keys. */
#include "agent/config/config.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "agent/config/keys.h"

#define DOCKER_SOCKET "unix:///var/run/docker.sock"
#define DAY_MS ((int64_t)24 * 3600 * 1000)

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
    config_docker_release(&config->docker);
    config_kubernetes_release(&config->kubernetes);
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

/* The built-in values. NULL: out of memory, reported. */
static struct config *config_new(struct config_reader *reader) {
    CLEANUP(config_release) struct config *config = calloc(1, sizeof *config);
    if (config) {
        atomic_init(&config->references, 1);
        settings_init(&config->defaults);
        config_limits_init(&config->limits);
        config->listen = strdup("0.0.0.0:9077");
        config->control = strdup("unix:/run/landwaiter/control.sock");
        config->state = strdup("/var/lib/landwaiter");
        config->docker.host = strdup(DOCKER_SOCKET);
        config->docker.enabled = true;
        config->kubernetes.pin = true;
        config->kubernetes.lease_ms = INT64_C(15) * 1000;
        config->history_ms = 90 * DAY_MS;
        config->history_bytes = INT64_C(512) * 1024 * 1024;
        config->log_level = LOG_INFO;
        config->log_format = LOG_AUTO;
        config->concurrency = 2;
    }
    if (!config || !config->listen || !config->control || !config->state || !config->docker.host ||
        !config_logins_init(config) || !config_windows_init(config)) {
        config_fault_add(reader, CONFIG_NOWHERE, "out of memory");
        return NULL;
    }
    return TAKE(config);
}

static void check_control(struct config_reader *reader, const struct yaml_node *root,
                          const struct config *config) {
    const struct yaml_node *node = yaml_get(root, "control");
    if (!config_address_is_socket(config->control) && !yaml_get(root, "control_token")) {
        config_fault_add(reader, config_at(node),
                         "`control` on TCP needs `control_token`: write control_token: {file: "
                         "PATH}, or use unix:PATH");
    }
    if (node && config_address_is_socket(config->control) &&
        strcmp(config->control, config->listen) == 0) {
        config_fault_add(reader, config_at(node),
                         "`control` and `listen` are the same socket: give each its own");
    }
}

/* Checks between keys. Each key is valid by now, or its fault is reported and it has its built-in
 * value. */
static void check_together(struct config_reader *reader, const struct yaml_node *root,
                           const struct config *config) {
    check_control(reader, root, config);
    config_check_docker(reader, root, &config->docker);
    config_check_unauthenticated(reader, root, config);
    config_check_settings(reader, root, config);
    config_check_freezes(reader, root);
    const struct yaml_node *senders = yaml_get(root, "senders");
    if (!senders || (senders->kind == YAML_LIST && senders->count == 0)) {
        struct config_place place = config_at(senders);
        place.warning = true;
        config_fault_add(reader, place, "there is no sender: nothing can be pushed");
    }
    const struct yaml_node *platforms = yaml_get(root, "platforms");
    if (platforms && platforms->kind == YAML_MAP && platforms->count == 0) {
        config_fault_add(reader, config_warning_at(platforms),
                         "there is no platform: nothing can be updated");
    }
}

/* The tree holds literal secrets. */
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

/* libyaml's message does not mention tabs. */
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

/* Takes the configuration, and hands it over unless a fault is fatal. */
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

/* The configuration without a file. */
static struct config *read_built_in(struct config_reader *reader, const char *path) {
    struct config *config = config_new(reader);
    if (config) {
        config_read_environment(reader, path, config);
    }
    return config;
}

const char *config_path(const char *path) {
    const char *named = path ? path : config_environment("LANDWAITER_CONFIG");
    return named ? named : CONFIG_DEFAULT_PATH;
}

static void buf_wipe_release(struct buf *buf) {
    if (buf->data) {
        explicit_bzero(buf->data, buf->len);
    }
    buf_release(buf);
}

/* False: errno says why; EFBIG: larger than a configuration may be. Allocates all memory at once,
 * so that no reallocation leaves a copy of a secret. */
static bool read_file(const char *path, struct buf *out) {
    CLEANUP(own_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
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
    /* Has one byte more than allowed, to detect a file that is too large. */
    CLEANUP(buf_wipe_release) struct buf text = BUF_INIT(YAML_SIZE_MAX + 1);
    if (!read_file(path, &text)) {
        config_fault_add(reader, CONFIG_NOWHERE, "cannot read the configuration file %.200s: %s",
                         path, strerror(errno));
        return NULL;
    }
    CLEANUP(config_release) struct config *config = read_text(reader, text.data, text.len);
    if (config && !(config->path = strdup(path))) {
        config_fault_add(reader, CONFIG_NOWHERE, "out of memory");
        return NULL;
    }
    return TAKE(config);
}

static bool is_missing(const char *path) {
    return access(path, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR);
}

static struct config *read_any(struct config_reader *reader, const char *path) {
    bool named = path || config_environment("LANDWAITER_CONFIG");
    const char *where = config_path(path);
    return !named && is_missing(where) ? read_built_in(reader, where) : read_path(reader, where);
}

bool config_load(const char *path, struct config **out, struct config_faults *faults) {
    struct config_reader reader = {.count = 0};
    return finish(&reader, read_any(&reader, path), out, faults);
}

bool config_check(const char *path, struct config **out, struct config_faults *faults) {
    struct config_reader reader = {.check_only = true};
    return finish(&reader, read_any(&reader, path), out, faults);
}

bool config_load_windows(const char *path, struct config **out, struct config_faults *faults) {
    static const char *const keys[] = {"windows", "freezes", "min_remaining", "zoneinfo", NULL};
    struct config_reader reader = {.count = 0, .only_of = &config_root, .only = keys};
    bool named = path || config_environment("LANDWAITER_CONFIG");
    const char *where = config_path(path);
    struct config *config =
        !named && is_missing(where) ? config_new(&reader) : read_path(&reader, where);
    return finish(&reader, config, out, faults);
}
