/* Runs credential plugins: owns their arguments and environment, and reads their answers. */
#include "agent/platforms/kubernetes/plugin.h"

#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/process.h"

#define PLUGIN_TIMEOUT_MS 60000
#define PLUGIN_ANSWER_MAX ((size_t)256 * 1024)
#define PLUGIN_WORDS_MAX 128 /* arguments, and variables */

struct plugin {
    char **argv;
    char **environment;
};

static void words_free(char **words) {
    for (char **word = words; word && *word; word++) {
        free(*word);
    }
    free((void *)words);
}

void plugin_free(struct plugin *plugin) {
    if (plugin) {
        words_free(plugin->argv);
        words_free(plugin->environment);
        free(plugin);
    }
}

static void plugin_release(struct plugin **plugin) {
    plugin_free(*plugin);
}

void plugin_pass_release(struct plugin_pass *pass) {
    secret_release(&pass->token);
    if (pass->key_pem) {
        explicit_bzero(pass->key_pem, strlen(pass->key_pem));
    }
    free(pass->cert_pem);
    free(pass->key_pem);
    pass->cert_pem = pass->key_pem = NULL;
}

/* ---- reading its part of a kubeconfig ---- */

static const char *scalar_of(const struct yaml_node *map, const char *key) {
    const struct yaml_node *node = yaml_get(map, key);
    return node && node->kind == YAML_SCALAR && node->text[0] ? node->text : NULL;
}

static bool words_add(char **words, char *word) {
    size_t count = 0;
    while (words[count]) {
        count++;
    }
    if (!word || count >= PLUGIN_WORDS_MAX) {
        free(word);
        return false;
    }
    words[count] = word;
    return true;
}

static char *word_of(const char *format, ...) PRINTF_LIKE(1, 2);
static char *word_of(const char *format, ...) {
    char *word = NULL;
    va_list arguments;
    va_start(arguments, format);
    int len = vasprintf(&word, format, arguments);
    va_end(arguments);
    return len < 0 ? NULL : word;
}

static bool add_arguments(struct plugin *plugin, const struct yaml_node *exec, const char *folder) {
    const char *command = scalar_of(exec, "command");
    const struct yaml_node *arguments = yaml_get(exec, "args");
    if (!command) {
        return false;
    }
    /* Looks a bare name up in PATH; resolves a relative path against the file. */
    bool beside = command[0] != '/' && strchr(command, '/');
    bool good = words_add(plugin->argv, word_of("%s%s", beside ? folder : "", command));
    for (size_t i = 0; good && arguments && arguments->kind == YAML_LIST && i < arguments->count;
         i++) {
        const struct yaml_node *item = arguments->items[i];
        good = item->kind == YAML_SCALAR && words_add(plugin->argv, strdup(item->text));
    }
    return good;
}

/* Does an added variable replace this one of ours? */
static bool environment_has(char *const *words, const char *variable) {
    size_t name = strcspn(variable, "=") + 1;
    for (; *words; words++) {
        if (strncmp(*words, variable, name) == 0) {
            return true;
        }
    }
    return false;
}

/* Appends the first `ours` of our variables to the present ones. */
static bool add_ours(char **words, size_t ours) {
    size_t count = 0;
    while (words[count]) {
        count++;
    }
    for (size_t i = 0; i < ours; i++) {
        if (!environment_has(words, environ[i])) {
            words[count] = strdup(environ[i]);
            if (!words[count++]) {
                return false;
            }
        }
    }
    return true;
}

/* The plugin's environment: the question, the file's additions, and the rest of ours. */
static bool add_environment(struct plugin *plugin, const struct yaml_node *exec, const char *info) {
    const struct yaml_node *own = yaml_get(exec, "env");
    size_t ours = 0;
    while (environ[ours]) {
        ours++;
    }
    plugin->environment = calloc(PLUGIN_WORDS_MAX + ours + 1, sizeof(char *));
    bool good = plugin->environment &&
                words_add(plugin->environment, word_of("KUBERNETES_EXEC_INFO=%s", info));
    for (size_t i = 0; good && own && own->kind == YAML_LIST && i < own->count; i++) {
        const char *name = scalar_of(own->items[i], "name");
        const struct yaml_node *value = yaml_get(own->items[i], "value");
        good = name && value && value->kind == YAML_SCALAR &&
               words_add(plugin->environment, word_of("%s=%s", name, value->text));
    }
    return good && add_ours(plugin->environment, ours);
}

static bool info_of(const struct yaml_node *exec, const json_t *cluster, struct buf *out,
                    struct err *err) {
    const char *version = scalar_of(exec, "apiVersion");
    const char *mode = scalar_of(exec, "interactiveMode");
    const char *tells = scalar_of(exec, "provideClusterInfo");
    if (!scalar_of(exec, "command")) {
        return err_set(err, ERR_INVALID, "`exec` has no `command`");
    }
    if (!version || (strcmp(version, "client.authentication.k8s.io/v1") != 0 &&
                     strcmp(version, "client.authentication.k8s.io/v1beta1") != 0)) {
        return err_set(
            err, ERR_INVALID,
            "`exec`: its `apiVersion` must be client.authentication.k8s.io/v1 or v1beta1");
    }
    if (mode && strcmp(mode, "Always") == 0) {
        return err_set(
            err, ERR_INVALID,
            "`exec`: a plugin that asks a person (interactiveMode: Always) cannot be used here");
    }
    json_t *spec = json_pack("{sb}", "interactive", 0);
    if (tells && strcmp(tells, "true") == 0 && cluster) {
        (void)json_object_set(spec, "cluster", (json_t *)(uintptr_t)cluster);
    }
    CLEANUP(json_release)
    json_t *info =
        json_pack("{ss ss so}", "apiVersion", version, "kind", "ExecCredential", "spec", spec);
    json_write(info, out);
    return !out->overflow ||
           err_set(err, ERR_INVALID,
                   "`exec`: the cluster's certificate is too large for the plugin");
}

bool plugin_new(const struct yaml_node *exec, const char *folder, const json_t *cluster,
                struct plugin **out, struct err *err) {
    CLEANUP(plugin_release) struct plugin *plugin = calloc(1, sizeof *plugin);
    CLEANUP(buf_release) struct buf info = BUF_INIT((size_t)96 * 1024);
    if (exec->kind != YAML_MAP) {
        return err_set(err, ERR_INVALID, "`exec` must be a map like {command: NAME}");
    }
    if (!info_of(exec, cluster, &info, err)) {
        return false;
    }
    if (plugin) {
        plugin->argv = calloc(PLUGIN_WORDS_MAX + 1, sizeof(char *));
    }
    if (!plugin || !plugin->argv) {
        return err_set(err, ERR_BUG, "out of memory");
    }
    if (!add_arguments(plugin, exec, folder) || !add_environment(plugin, exec, buf_text(&info))) {
        return err_set(
            err, ERR_INVALID,
            "`exec`: `args` must be a list of texts, `env` one of {name, value}, with at most %d",
            PLUGIN_WORDS_MAX);
    }
    *out = TAKE(plugin);
    return true;
}

/* ---- the answer ---- */

static bool pass_text(const json_t *status, const char *member, char **out) {
    const char *text = json_text(status, member);
    *out = text && text[0] ? strdup(text) : NULL;
    return !text || !text[0] || *out;
}

static bool pass_certificate(const json_t *status, struct plugin_pass *pass, struct err *err) {
    if (!pass_text(status, "clientCertificateData", &pass->cert_pem) ||
        !pass_text(status, "clientKeyData", &pass->key_pem)) {
        return err_set(err, ERR_BUG, "out of memory");
    }
    if ((pass->cert_pem == NULL) != (pass->key_pem == NULL)) {
        return err_set(err, ERR_INVALID, "its answer has only one of a certificate and its key");
    }
    return pass->token.bytes || pass->cert_pem ||
           err_set(err, ERR_INVALID,
                   "its answer has neither a token nor a certificate with its key");
}

bool plugin_parse(const char *text, size_t len, struct plugin_pass *out, struct err *err) {
    CLEANUP(json_release) json_t *root = NULL;
    CLEANUP(plugin_pass_release) struct plugin_pass pass = {.token = SECRET_INIT};
    if (!json_parse(text, len, &root, err)) {
        return false;
    }
    const char *kind = json_text(root, "kind");
    const json_t *status = json_object_member(root, "status");
    const char *token = json_text(status, "token");
    const char *expires = json_text(status, "expirationTimestamp");
    if (!kind || strcmp(kind, "ExecCredential") != 0) {
        return err_set(err, ERR_INVALID, "its answer is not an ExecCredential");
    }
    if (expires && !clock_parse(expires, &pass.expires_ms)) {
        return err_set(err, ERR_INVALID, "its expirationTimestamp is no time");
    }
    if (token && token[0] && !secret_set(&pass.token, token, strlen(token), err)) {
        return false;
    }
    if (!pass_certificate(status, &pass, err)) {
        return false;
    }
    *out = pass;
    pass = (struct plugin_pass){.token = SECRET_INIT};
    return true;
}

bool plugin_run(const struct plugin *plugin, struct plugin_pass *out, struct err *err) {
    CLEANUP(process_answer_wipe)
    struct process_answer answer = PROCESS_ANSWER_INIT(PLUGIN_ANSWER_MAX);
    const struct process_order order = {.argv = plugin->argv,
                                        .environment = plugin->environment,
                                        .input = "",
                                        .timeout_ms = PLUGIN_TIMEOUT_MS};
    bool ran = process_run(&order, &answer, err);
    if (ran && answer.status != 0) {
        ran = err_set(err, ERR_TRANSIENT, "failed with exit status %d", answer.status);
    }
    return (ran && plugin_parse(buf_text(&answer.output), answer.output.len, out, err)) ||
           err_wrap(err, "the credential plugin %.100s", plugin->argv[0]);
}
