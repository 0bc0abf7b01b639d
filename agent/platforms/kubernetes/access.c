/* Owns the credentials of the kubeconfig or the service account. Never contacts a server, and never
 * quotes a credential. */
#include "agent/platforms/kubernetes/access.h"

#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/platforms/kubernetes/plugin.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/secret.h"
#include "base/yaml.h"

#define ACCESS_ACCOUNTS "/var/run/secrets/kubernetes.io/serviceaccount"
#define ACCESS_AGAIN_MS 60000
#define ACCESS_EARLY_MS 30000 /* ask a plugin again this long before expiry */
#define ACCESS_LOGIN_MAX 1024

struct access {
    pthread_mutex_t mutex;
    char *server;
    char space[64];
    bool insecure;
    char *ca_file, *ca_pem;
    char *cert_file, *key_file, *cert_pem, *key_pem;
    char *token_file;
    struct secret token;
    char *basic;     /* "Basic …" */
    int64_t read_ms; /* time of the last read of the token file; 0: never */
    struct timespec modified;
    struct plugin *plugin; /* NULL: none */
    struct plugin_pass pass;
    bool passed; /* the plugin's credentials are valid until pass.expires_ms */
};

static void wipe(char **text) {
    if (*text) {
        explicit_bzero(*text, strlen(*text));
    }
    free(*text);
    *text = NULL;
}

void access_free(struct access *access) {
    if (!access) {
        return;
    }
    char **const secrets[] = {&access->key_pem, &access->basic, &access->cert_pem, &access->ca_pem};
    for (size_t i = 0; i < ARRAY_LENGTH(secrets); i++) {
        wipe(secrets[i]);
    }
    secret_release(&access->token);
    plugin_free(access->plugin);
    plugin_pass_release(&access->pass);
    free(access->server);
    free(access->ca_file);
    free(access->cert_file);
    free(access->key_file);
    free(access->token_file);
    (void)pthread_mutex_destroy(&access->mutex);
    free(access);
}

static void access_release(struct access **access) {
    access_free(*access);
}

const char *access_server(const struct access *access) {
    return access->server;
}

const char *access_namespace(const struct access *access) {
    return access->space;
}

/* ---- in the cluster ---- */

static char *path_in(const char *folder, const char *name) {
    CLEANUP(buf_release) struct buf path = BUF_INIT(4096);
    buf_printf(&path, "%s/%s", folder, name);
    return buf_take(&path);
}

static void read_namespace(struct access *access, const char *folder) {
    CLEANUP(own_free) char *path = path_in(folder, "namespace");
    CLEANUP(secret_release) struct secret text = SECRET_INIT;
    if (path && secret_read_file(&text, path, NULL) && text.len < sizeof access->space) {
        memcpy(access->space, text.bytes, text.len);
    }
}

static bool open_inside(struct access *access, const char *folder, struct err *err) {
    const char *host = getenv("KUBERNETES_SERVICE_HOST");
    const char *port = getenv("KUBERNETES_SERVICE_PORT");
    CLEANUP(buf_release) struct buf server = BUF_INIT(512);
    if (!host || !*host || !port || !*port) {
        return err_set(err, ERR_GONE,
                       "this is not a pod (KUBERNETES_SERVICE_HOST is not set): write "
                       "platforms: {kubernetes: {kubeconfig: PATH}}");
    }
    buf_printf(&server, strchr(host, ':') ? "https://[%s]:%s" : "https://%s:%s", host, port);
    access->server = buf_take(&server);
    access->ca_file = path_in(folder, "ca.crt");
    access->token_file = path_in(folder, "token");
    read_namespace(access, folder);
    return (access->server && access->ca_file && access->token_file) ||
           err_set(err, ERR_INVALID, "KUBERNETES_SERVICE_HOST is not usable");
}

/* ---- kubeconfig ---- */

/* An unsupported key that would change our identity or the server, and its replacement. */
struct access_refusal {
    const char *key, *instead; /* NULL ends a list */
};

struct kubeconfig {
    const char *path;
    const struct yaml_node *root;
};

static const char *scalar(const struct yaml_node *map, const char *key) {
    const struct yaml_node *node = map && map->kind == YAML_MAP ? yaml_get(map, key) : NULL;
    return node && node->kind == YAML_SCALAR && node->text[0] ? node->text : NULL;
}

/* Finds the entry of that name in one of the file's lists: its member of that key. */
static const struct yaml_node *named(const struct kubeconfig *file, const char *list,
                                     const char *name, const char *key) {
    const struct yaml_node *all = yaml_get(file->root, list);
    for (size_t i = 0; all && all->kind == YAML_LIST && i < all->count; i++) {
        const char *own = scalar(all->items[i], "name");
        if (own && strcmp(own, name) == 0) {
            const struct yaml_node *found = yaml_get(all->items[i], key);
            return found && found->kind == YAML_MAP ? found : NULL;
        }
    }
    return NULL;
}

/* Resolves a path relative to the file. NULL: none. */
static bool take_path(const struct kubeconfig *file, const char *text, char **out,
                      struct err *err) {
    const char *slash = strrchr(file->path, '/');
    CLEANUP(buf_release) struct buf path = BUF_INIT(4096);
    if (!text) {
        return true;
    }
    if (text[0] != '/' && slash) {
        buf_append(&path, file->path, (size_t)(slash + 1 - file->path));
    }
    buf_puts(&path, text);
    *out = buf_take(&path);
    return *out || err_set(err, ERR_INVALID, "%.200s: a path in it is too long", file->path);
}

static bool take_data(const struct kubeconfig *file, const struct yaml_node *map, const char *key,
                      char **out, struct err *err) {
    const char *text = scalar(map, key);
    if (!text) {
        return true;
    }
    size_t len = strlen(text);
    char *bytes = malloc(len + 1);
    size_t count = 0;
    if (!bytes || !digest_base64_decode(text, len, (unsigned char *)bytes, len, &count)) {
        free(bytes);
        return err_set(err, ERR_INVALID, "%.200s: `%s` is not base64", file->path, key);
    }
    bytes[count] = '\0';
    *out = bytes;
    return true;
}

/* Refuses keys that would otherwise be ignored silently. */
static bool refuse_keys(const struct kubeconfig *file, const struct yaml_node *map,
                        const struct access_refusal *rows, struct err *err) {
    for (; rows->key; rows++) {
        if (yaml_get(map, rows->key)) {
            return err_set(err, ERR_INVALID, "%.200s: `%s` is not supported: %s", file->path,
                           rows->key, rows->instead);
        }
    }
    return true;
}

static bool take_cluster(struct access *access, const struct kubeconfig *file,
                         const struct yaml_node *cluster, struct err *err) {
    const char *server = scalar(cluster, "server");
    const char *insecure = scalar(cluster, "insecure-skip-tls-verify");
    static const struct access_refusal refused[] = {
        {"proxy-url", "reach the server without a proxy"},
        {"tls-server-name", "name the server as its certificate does"},
        {NULL, NULL},
    };
    if (!refuse_keys(file, cluster, refused, err)) {
        return false;
    }
    if (!server || strncmp(server, "https://", 8) != 0) {
        return err_set(err, ERR_INVALID, "%.200s: the cluster's `server` must be an https:// URL",
                       file->path);
    }
    size_t len = strlen(server);
    while (len > 8 && server[len - 1] == '/') {
        len--;
    }
    access->server = strndup(server, len);
    access->insecure = insecure && strcmp(insecure, "true") == 0;
    return take_path(file, scalar(cluster, "certificate-authority"), &access->ca_file, err) &&
           take_data(file, cluster, "certificate-authority-data", &access->ca_pem, err);
}

static bool take_login(struct access *access, const struct kubeconfig *file,
                       const struct yaml_node *user, struct err *err) {
    const char *name = scalar(user, "username");
    const char *password = scalar(user, "password");
    CLEANUP(buf_wipe) struct buf pair = BUF_INIT(ACCESS_LOGIN_MAX);
    CLEANUP(buf_wipe) struct buf line = BUF_INIT(2 * ACCESS_LOGIN_MAX);
    if (!name && !password) {
        return true;
    }
    if (!name || !password) {
        return err_set(err, ERR_INVALID, "%.200s: `username` and `password` go together",
                       file->path);
    }
    buf_printf(&pair, "%s:%s", name, password);
    if (pair.overflow) {
        return err_set(err, ERR_INVALID,
                       "%.200s: `username` and `password` are longer than %d bytes", file->path,
                       ACCESS_LOGIN_MAX);
    }
    buf_puts(&line, "Basic ");
    buf_put_base64(&line, pair.data, pair.len);
    access->basic = buf_take(&line);
    return access->basic || err_set(err, ERR_BUG, "out of memory");
}

/* The cluster information that a plugin may request. Returns a new reference. */
static json_t *cluster_info(const struct access *access) {
    json_t *info = json_pack("{ss}", "server", access->server);
    if (access->ca_pem) {
        CLEANUP(buf_release) struct buf data = BUF_INIT((size_t)64 * 1024);
        buf_put_base64(&data, access->ca_pem, strlen(access->ca_pem));
        (void)json_object_set_new(info, "certificate-authority-data",
                                  json_text_or_null(buf_text(&data)));
    }
    return info;
}

static bool take_plugin(struct access *access, const struct kubeconfig *file,
                        const struct yaml_node *user, struct err *err) {
    const struct yaml_node *exec = yaml_get(user, "exec");
    const char *slash = strrchr(file->path, '/');
    char folder[4096];
    if (!exec) {
        return true;
    }
    (void)snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash + 1 - file->path) : 0,
                   file->path);
    CLEANUP(json_release) json_t *cluster = cluster_info(access);
    return plugin_new(exec, folder, cluster, &access->plugin, err) ||
           err_wrap(err, "%.200s", file->path);
}

static bool take_user(struct access *access, const struct kubeconfig *file,
                      const struct yaml_node *user, struct err *err) {
    static const struct access_refusal refused[] = {
        {"auth-provider", "give the user a token, a tokenFile or a client certificate"},
        {"as", "give the user itself the role"},
        {"as-uid", "give the user itself the role"},
        {"as-groups", "give the user itself the role"},
        {"as-user-extra", "give the user itself the role"},
        {NULL, NULL},
    };
    const char *token = scalar(user, "token");
    if (!refuse_keys(file, user, refused, err) || !take_login(access, file, user, err) ||
        !take_plugin(access, file, user, err)) {
        return false;
    }
    if (token && !secret_set(&access->token, token, strlen(token), err)) {
        return false;
    }
    return take_path(file, scalar(user, "tokenFile"), &access->token_file, err) &&
           take_path(file, scalar(user, "client-certificate"), &access->cert_file, err) &&
           take_path(file, scalar(user, "client-key"), &access->key_file, err) &&
           take_data(file, user, "client-certificate-data", &access->cert_pem, err) &&
           take_data(file, user, "client-key-data", &access->key_pem, err);
}

static bool take_context(struct access *access, const struct kubeconfig *file, const char *name,
                         struct err *err) {
    const char *current = name ? name : scalar(file->root, "current-context");
    const struct yaml_node *context = current ? named(file, "contexts", current, "context") : NULL;
    const char *cluster_name = scalar(context, "cluster");
    const char *user_name = scalar(context, "user");
    const struct yaml_node *cluster =
        cluster_name ? named(file, "clusters", cluster_name, "cluster") : NULL;
    const struct yaml_node *user = user_name ? named(file, "users", user_name, "user") : NULL;
    if (!context || !cluster || !user) {
        return err_set(err, ERR_INVALID,
                       "%.200s: it has no context \"%.64s\" with a cluster and a user", file->path,
                       current ? current : "");
    }
    const char *space = scalar(context, "namespace");
    (void)snprintf(access->space, sizeof access->space, "%s", space ? space : "");
    return take_cluster(access, file, cluster, err) && take_user(access, file, user, err);
}

static bool open_kubeconfig(struct access *access, const struct access_options *options,
                            struct err *err) {
    CLEANUP(secret_release) struct secret text = SECRET_INIT;
    CLEANUP(yaml_release) struct yaml_node *root = NULL;
    struct yaml_fault fault;
    if (!secret_read_file(&text, options->kubeconfig, err)) {
        return err_wrap(err, "kubeconfig");
    }
    if (!yaml_parse((const char *)text.bytes, text.len, &root, &fault)) {
        return err_set(err, ERR_INVALID, "%.200s:%d:%d: %.200s", options->kubeconfig, fault.line,
                       fault.column, fault.message);
    }
    const struct kubeconfig file = {options->kubeconfig, root};
    return take_context(access, &file, options->context, err);
}

bool access_open(const struct access_options *options, struct access **out, struct err *err) {
    CLEANUP(access_release) struct access *access = calloc(1, sizeof *access);
    if (!access) {
        return err_set(err, ERR_BUG, "out of memory");
    }
    (void)pthread_mutex_init(&access->mutex, NULL);
    const char *accounts = options->accounts ? options->accounts : ACCESS_ACCOUNTS;
    if (options->kubeconfig ? !open_kubeconfig(access, options, err)
                            : !open_inside(access, accounts, err)) {
        return false;
    }
    *out = TAKE(access);
    return true;
}

/* ---- credentials of one call ---- */

/* The mutex must be held. */
static bool token_fresh(struct access *access, struct err *err) {
    struct stat now;
    int64_t boot = clock_boot_ms();
    if (!access->token_file) {
        return true;
    }
    if (stat(access->token_file, &now) != 0) {
        return access->token.bytes ||
               err_set(err, ERR_TRANSIENT, "%.200s cannot be read now", access->token_file);
    }
    bool same = now.st_mtim.tv_sec == access->modified.tv_sec &&
                now.st_mtim.tv_nsec == access->modified.tv_nsec;
    if (access->read_ms && same && boot - access->read_ms < ACCESS_AGAIN_MS) {
        return true;
    }
    if (!secret_read_file(&access->token, access->token_file, err)) {
        return err_set(err, ERR_TRANSIENT, "%.200s cannot be read now", access->token_file);
    }
    access->read_ms = boot;
    access->modified = now.st_mtim;
    return true;
}

/* The mutex must be held. */
static bool plugin_fresh(struct access *access, struct err *err) {
    int64_t now = clock_now_ms();
    bool good = access->passed &&
                (access->pass.expires_ms == 0 || now < access->pass.expires_ms - ACCESS_EARLY_MS);
    struct plugin_pass fresh = {.token = SECRET_INIT};
    if (!access->plugin || good) {
        return true;
    }
    if (!plugin_run(access->plugin, &fresh, err)) {
        if (err) {
            err->kind = ERR_TRANSIENT; /* a person may repair it meanwhile */
        }
        return false;
    }
    plugin_pass_release(&access->pass);
    access->pass = fresh;
    access->passed = true;
    return true;
}

/* The mutex must be held. Makes a copy, because credentials may be replaced during a call. */
static char *access_authorization(const struct access *access) {
    CLEANUP(buf_wipe) struct buf line = BUF_INIT(SECRET_MAX + 64);
    const struct secret *token = access->pass.token.bytes ? &access->pass.token : &access->token;
    if (token->bytes) {
        buf_puts(&line, "Authorization: Bearer ");
        buf_append(&line, token->bytes, token->len);
    } else if (access->basic) {
        buf_printf(&line, "Authorization: %s", access->basic);
    }
    return line.len ? buf_take(&line) : NULL;
}

bool access_pass(struct access *access, struct access_pass *out, struct err *err) {
    (void)pthread_mutex_lock(&access->mutex);
    bool good = token_fresh(access, err) && plugin_fresh(access, err);
    if (good) {
        *out = (struct access_pass){.tls = {.ca_file = access->ca_file,
                                            .ca_pem = access->ca_pem,
                                            .cert_file = access->cert_file,
                                            .key_file = access->key_file,
                                            .cert_pem = access->cert_pem,
                                            .key_pem = access->key_pem,
                                            .insecure_skip_verify = access->insecure},
                                    .authorization = access_authorization(access)};
        if (access->pass.cert_pem) {
            out->cert_pem = strdup(access->pass.cert_pem);
            out->key_pem = strdup(access->pass.key_pem);
            out->tls.cert_pem = out->cert_pem;
            out->tls.key_pem = out->key_pem;
        }
    }
    (void)pthread_mutex_unlock(&access->mutex);
    return good;
}

void access_pass_release(struct access_pass *pass) {
    wipe(&pass->authorization);
    wipe(&pass->cert_pem);
    wipe(&pass->key_pem);
}

void access_refused(struct access *access) {
    (void)pthread_mutex_lock(&access->mutex);
    access->read_ms = 0;
    access->passed = false;
    (void)pthread_mutex_unlock(&access->mutex);
}
