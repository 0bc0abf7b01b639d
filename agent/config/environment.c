/* The environment, in place of a configuration file: owns its variables. */
#include <unistd.h>

#include "agent/config/keys.h"
#include "webhook/sources/table.h"

const char *config_environment(const char *name) {
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

/* A variable that replaces a member if it is set and check accepts it. */
struct variable {
    const char *name;
    bool (*check)(const char *text, struct err *err);
};

static void read_variable(struct config_reader *reader, const struct variable *key, char **member) {
    const char *value = config_environment(key->name);
    struct err err = ERR_INIT;
    if (!value) {
        return;
    }
    if (!key->check(value, &err)) {
        config_fault_add(reader, CONFIG_NOWHERE, "%s in the environment: %s", key->name,
                         err.message);
        return;
    }
    char *copy = strdup(value);
    if (!copy) {
        config_fault_add(reader, CONFIG_NOWHERE, "out of memory");
        return;
    }
    free(*member);
    *member = copy;
}

/* With the meaning that Docker's client gives these variables. */
static void read_docker(struct config_reader *reader, struct config_docker *docker) {
    static const struct variable host = {"DOCKER_HOST", config_check_docker_host};
    read_variable(reader, &host, &docker->host);
    const char *folder = config_environment("DOCKER_CERT_PATH");
    if (!config_environment("DOCKER_TLS_VERIFY") || !config_docker_remote(docker)) {
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
            config_fault_add(reader, CONFIG_NOWHERE, "DOCKER_CERT_PATH in the environment: %s",
                             err.message);
            continue;
        }
        *files[i].member = buf_take(&path);
    }
}

static bool read_token(struct config_reader *reader, const char *path, struct secret *out) {
    static const char variable[] = "LANDWAITER_TOKEN", file_variable[] = "LANDWAITER_TOKEN_FILE";
    const char *file = config_environment(file_variable);
    struct err err = ERR_INIT;
    bool direct = config_environment(variable) != NULL;
    if (!direct && !file) {
        config_fault_add(reader, CONFIG_NOWHERE,
                         "there is no configuration file at %.150s and no %s: write the file, or "
                         "set %s or %s to the token that pushes will carry",
                         path, variable, variable, file_variable);
        return false;
    }
    if (direct && file) {
        config_fault_add(reader, CONFIG_NOWHERE, "both %s and %s are set: unset one of them",
                         variable, file_variable);
        return false;
    }
    bool read = direct ? secret_read_env(out, variable, &err) : secret_read_file(out, file, &err);
    if (!read || !config_check_bearer_secret(out, &err)) {
        config_fault_add(reader, CONFIG_NOWHERE, "%s: %s", direct ? variable : file_variable,
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

/* Adds the built-in sender, which may push every image. */
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
        config_fault_add(reader, CONFIG_NOWHERE, "out of memory");
        return;
    }
    sender->source = source_find("native");
    sender->auth = SENDER_BEARER;
    sender->rate_count = SENDER_RATE_COUNT;
    sender->rate_period_ms = SENDER_RATE_PERIOD_MS;
    sender->quota = SENDER_QUOTA;
    sender->secrets[0] = token;
    sender->secret_count = 1;
    token = (struct secret)SECRET_INIT;
}

void config_read_environment(struct config_reader *reader, const char *path,
                             struct config *config) {
    static const struct variable listen = {"LANDWAITER_LISTEN", config_check_listen},
                                 control = {"LANDWAITER_CONTROL", config_check_listen},
                                 state = {"LANDWAITER_STATE", config_check_path};
    read_variable(reader, &listen, &config->listen);
    read_variable(reader, &control, &config->control);
    read_variable(reader, &state, &config->state);
    if (!config_address_is_socket(config->control)) {
        config_fault_add(reader, CONFIG_NOWHERE,
                         "LANDWAITER_CONTROL on TCP needs a token: write a configuration file with "
                         "control and control_token, or use unix:PATH");
    }
    read_docker(reader, &config->docker);
    add_default_sender(reader, path, config);
}
