/* Credentials for registries: owns how Docker's config.json and its helper programs are read. Never
 * writes them anywhere, never puts one into an argument list or an error message. */
#include "registry/credentials.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/json.h"

#define CREDENTIALS_CONFIG_MAX (1024 * 1024)
#define CREDENTIALS_ANSWER_MAX (64 * 1024)
#define CREDENTIALS_HELPER_MS 10000
#define CREDENTIALS_NAME_MAX 128
#define CREDENTIALS_HUB_KEY "https://index.docker.io/v1/"
/* The user name by which a helper says that the secret is an identity token. */
#define CREDENTIALS_TOKEN_USER "<token>"

void credentials_release(struct credentials *credentials) {
    free(credentials->username);
    credentials->username = NULL;
    secret_release(&credentials->password);
    secret_release(&credentials->identity_token);
}

bool credentials_anonymous(const struct credentials *credentials) {
    return !credentials->username && !credentials->identity_token.bytes;
}

static void credentials_move(struct credentials *from, struct credentials *out) {
    *out = *from;
    *from = (struct credentials)CREDENTIALS_INIT;
}

static bool credentials_set_username(struct credentials *credentials, const char *username,
                                     struct err *err) {
    credentials->username = strdup(username);
    return credentials->username || err_set(err, ERR_BUG, "out of memory");
}

bool credentials_copy(const struct credentials *from, struct credentials *out, struct err *err) {
    CLEANUP(credentials_release) struct credentials copy = CREDENTIALS_INIT;
    if (from->username && !credentials_set_username(&copy, from->username, err)) {
        return false;
    }
    if (from->password.bytes &&
        !secret_set(&copy.password, from->password.bytes, from->password.len, err)) {
        return false;
    }
    if (from->identity_token.bytes && !secret_set(&copy.identity_token, from->identity_token.bytes,
                                                  from->identity_token.len, err)) {
        return false;
    }
    credentials_move(&copy, out);
    return true;
}

/* ---- entries of a config.json ---- */

/* Docker Hub has four names; one is enough here. */
static const char *credentials_host_alias(const char *host) {
    static const char *const hub[] = {"index.docker.io", "registry-1.docker.io"};
    for (size_t i = 0; i < ARRAY_LENGTH(hub); i++) {
        if (strcasecmp(host, hub[i]) == 0) {
            return "docker.io";
        }
    }
    return host;
}

/* How well a key of `auths` or `credHelpers` names the host: 0 not at all, 3 exactly, 2 as a URL,
 * 1 as the host of one of its repositories (Docker takes that as well). */
static int credentials_key_rank(const char *key, const char *host) {
    int rank = 3;
    const char *start = key;
    static const char *const schemes[] = {"https://", "http://"};
    for (size_t i = 0; i < ARRAY_LENGTH(schemes); i++) {
        if (strncasecmp(key, schemes[i], strlen(schemes[i])) == 0) {
            start = key + strlen(schemes[i]);
            rank = 2;
        }
    }
    char name[512];
    size_t len = strcspn(start, "/");
    if (len == 0 || len >= sizeof name) {
        return 0;
    }
    memcpy(name, start, len);
    name[len] = '\0';
    const char *path = start + len;
    bool versioned = strcmp(path, "/v1/") == 0 || strcmp(path, "/v2/") == 0 ||
                     strcmp(path, "/v1") == 0 || strcmp(path, "/v2") == 0;
    if (versioned) {
        rank = 2;
    } else if (*path && strcmp(path, "/") != 0) {
        rank = 1;
    }
    bool same = strcasecmp(credentials_host_alias(name), credentials_host_alias(host)) == 0;
    return same ? rank : 0;
}

/* The member of that map which names the host best; NULL: none. Borrowed. */
static json_t *credentials_best_member(json_t *map, const char *host) {
    json_t *best = NULL;
    int best_rank = 0;
    const char *key;
    json_t *value;
    json_object_foreach(map, key, value) {
        int rank = credentials_key_rank(key, host);
        if (rank > best_rank) {
            best = value;
            best_rank = rank;
        }
    }
    return best;
}

static bool credentials_set_pair(struct credentials *out, const char *username,
                                 const char *password, struct err *err) {
    CLEANUP(credentials_release) struct credentials pair = CREDENTIALS_INIT;
    if (!credentials_set_username(&pair, username, err) ||
        !secret_set(&pair.password, password, strlen(password), err)) {
        return false;
    }
    credentials_move(&pair, out);
    return true;
}

/* `auth`: base64 of user:password, split at the first colon. */
static bool credentials_from_auth(const char *auth, struct credentials *out, struct err *err) {
    size_t max = strlen(auth);
    CLEANUP(secret_release) struct secret decoded = SECRET_INIT;
    if (max > SECRET_MAX || !secret_set(&decoded, auth, max, err)) {
        return err_set(err, ERR_INVALID, "an auth value is too long");
    }
    size_t len = 0;
    if (!digest_base64_decode(auth, max, decoded.bytes, max, &len)) {
        return err_set(err, ERR_INVALID, "an auth value is not base64");
    }
    decoded.bytes[len] = '\0';
    /* Some tools pad the password with zero bytes; one inside would cut it short unnoticed. */
    while (len > 0 && decoded.bytes[len - 1] == '\0') {
        len--;
    }
    char *colon = memchr(decoded.bytes, ':', len);
    if (!colon || colon == (char *)decoded.bytes || memchr(decoded.bytes, '\0', len)) {
        return err_set(err, ERR_INVALID, "an auth value is not user:password in base64");
    }
    *colon = '\0';
    return credentials_set_pair(out, (const char *)decoded.bytes, colon + 1, err);
}

static bool credentials_from_entry(const json_t *entry, struct credentials *out, struct err *err) {
    CLEANUP(credentials_release) struct credentials found = CREDENTIALS_INIT;
    const char *auth = json_text(entry, "auth");
    const char *username = json_text(entry, "username");
    const char *password = json_text(entry, "password");
    const char *token = json_text(entry, "identitytoken");
    if (auth && *auth) {
        if (!credentials_from_auth(auth, &found, err)) {
            return false;
        }
    } else if (username && *username && password) {
        if (!credentials_set_pair(&found, username, password, err)) {
            return false;
        }
    }
    if (token && *token && !secret_set(&found.identity_token, token, strlen(token), err)) {
        return false;
    }
    credentials_move(&found, out);
    return true;
}

/* ---- helper programs ---- */

struct helper_run {
    pid_t pid;
    int output;
    int64_t deadline;
    int status;
};

static void fd_close(int *fd) {
    if (*fd >= 0) {
        (void)close(*fd);
    }
    *fd = -1;
}

static bool helper_name_valid(const char *name) {
    size_t len = strlen(name);
    return len > 0 && len <= CREDENTIALS_NAME_MAX &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == len;
}

/* The request as a file: a helper that never reads it cannot stop us then. */
static int helper_input_new(const char *text) {
    int fd = memfd_create("registry", MFD_CLOEXEC);
    size_t len = strlen(text);
    if (fd >= 0 && (write(fd, text, len) != (ssize_t)len || lseek(fd, 0, SEEK_SET) != 0)) {
        fd_close(&fd);
    }
    return fd;
}

/* In a group of its own, so that what it starts ends with it; with no blocked signals and none of
 * our files. */
static int helper_spawn(pid_t *pid, char *const argv[], int input, int output) {
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    if (posix_spawn_file_actions_init(&files) != 0) {
        return ENOMEM;
    }
    if (posix_spawnattr_init(&attributes) != 0) {
        (void)posix_spawn_file_actions_destroy(&files);
        return ENOMEM;
    }
    sigset_t none;
    sigset_t defaults;
    (void)sigemptyset(&none);
    (void)sigemptyset(&defaults);
    (void)sigaddset(&defaults, SIGPIPE);
    (void)posix_spawnattr_setpgroup(&attributes, 0);
    (void)posix_spawnattr_setsigmask(&attributes, &none);
    (void)posix_spawnattr_setsigdefault(&attributes, &defaults);
    int fault = posix_spawnattr_setflags(
        &attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    fault = fault ? fault : posix_spawn_file_actions_adddup2(&files, input, STDIN_FILENO);
    fault = fault ? fault : posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
    fault = fault
                ? fault
                : posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    fault = fault ? fault : posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
    fault = fault ? fault : posix_spawnp(pid, argv[0], &files, &attributes, argv, environ);
    (void)posix_spawnattr_destroy(&attributes);
    (void)posix_spawn_file_actions_destroy(&files);
    return fault;
}

static bool helper_start(const char *name, const char *request, struct helper_run *run,
                         struct err *err) {
    char program[sizeof "docker-credential-" + CREDENTIALS_NAME_MAX];
    (void)snprintf(program, sizeof program, "docker-credential-%s", name);
    char get[] = "get";
    char *const argv[] = {program, get, NULL};
    CLEANUP(fd_close) int input = helper_input_new(request);
    int ends[2] = {-1, -1};
    if (input < 0 || pipe2(ends, O_CLOEXEC) != 0) {
        return err_set(err, ERR_TRANSIENT, "cannot start %s: %s", program, strerrordesc_np(errno));
    }
    CLEANUP(fd_close) int writing = ends[1];
    pid_t pid = -1;
    int fault = helper_spawn(&pid, argv, input, writing);
    if (fault != 0) {
        fd_close(&ends[0]);
        enum err_kind kind = fault == ENOENT || fault == EACCES ? ERR_INVALID : ERR_TRANSIENT;
        return err_set(err, kind, "cannot start the credential helper %s: %s", program,
                       strerrordesc_np(fault));
    }
    run->pid = pid;
    run->output = ends[0];
    run->deadline = clock_boot_ms() + CREDENTIALS_HELPER_MS;
    return true;
}

/* False: the deadline came first. */
static bool helper_wait_for(int fd, int64_t deadline) {
    for (;;) {
        int64_t left = deadline - clock_boot_ms();
        struct pollfd wanted = {.fd = fd, .events = POLLIN};
        int ready = left > 0 ? poll(&wanted, 1, (int)left) : 0;
        if (ready > 0) {
            return true;
        }
        if (ready == 0 || errno != EINTR) {
            return false;
        }
    }
}

/* False: not in time, or too much of it. */
static bool helper_read(const struct helper_run *run, struct buf *answer) {
    char part[4096];
    bool complete = false;
    while (!complete && !answer->overflow && helper_wait_for(run->output, run->deadline)) {
        ssize_t count = read(run->output, part, sizeof part);
        if (count > 0) {
            buf_append(answer, part, (size_t)count);
        }
        complete = count == 0 || (count < 0 && errno != EINTR);
    }
    explicit_bzero(part, sizeof part);
    return complete && !answer->overflow;
}

/* False: it did not end in time. Whatever is left of its group is killed; that is safe before the
 * process is reaped, because until then nobody else can have its number. */
static bool helper_finish(struct helper_run *run, bool wait) {
    bool ended = false;
    if (wait) {
        CLEANUP(fd_close) int process = pidfd_open(run->pid, 0);
        ended = process >= 0 && helper_wait_for(process, run->deadline);
    }
    (void)kill(-run->pid, SIGKILL);
    while (waitpid(run->pid, &run->status, 0) < 0 && errno == EINTR) {
    }
    fd_close(&run->output);
    return ended;
}

static bool helper_answer_parse(const struct buf *answer, struct credentials *out,
                                struct err *err) {
    CLEANUP(json_release) json_t *root = NULL;
    if (!json_parse(buf_text(answer), answer->len, &root, err)) {
        return false;
    }
    const char *username = json_text(root, "Username");
    const char *secret = json_text(root, "Secret");
    if (!username || !secret || !*secret) {
        return err_set(err, ERR_INVALID, "the answer has no Username or no Secret");
    }
    if (strcmp(username, CREDENTIALS_TOKEN_USER) != 0) {
        return credentials_set_pair(out, username, secret, err);
    }
    CLEANUP(credentials_release) struct credentials token = CREDENTIALS_INIT;
    if (!secret_set(&token.identity_token, secret, strlen(secret), err)) {
        return false;
    }
    credentials_move(&token, out);
    return true;
}

static void credentials_buf_wipe(struct buf *buf) {
    if (buf->data) {
        explicit_bzero(buf->data, buf->capacity);
    }
    buf_release(buf);
}

static bool credentials_run_helper(const char *name, const char *host, struct credentials *out,
                                   struct err *err) {
    struct helper_run run = {.pid = -1, .output = -1};
    bool hub = strcmp(credentials_host_alias(host), "docker.io") == 0;
    if (!helper_start(name, hub ? CREDENTIALS_HUB_KEY : host, &run, err)) {
        return false;
    }
    CLEANUP(credentials_buf_wipe) struct buf answer = BUF_INIT(CREDENTIALS_ANSWER_MAX);
    bool complete = helper_read(&run, &answer);
    if (answer.overflow) {
        (void)helper_finish(&run, false);
        return err_set(err, ERR_INVALID, "the credential helper %s says too much", name);
    }
    if (!helper_finish(&run, complete)) {
        return err_set(err, ERR_TRANSIENT, "the credential helper %s did not answer in %d s", name,
                       CREDENTIALS_HELPER_MS / 1000);
    }
    if (WIFEXITED(run.status) && WEXITSTATUS(run.status) == 0) {
        return helper_answer_parse(&answer, out, err) ||
               err_wrap(err, "the credential helper %s", name);
    }
    /* That is how every helper says that it has none (docker-credential-helpers). */
    if (strstr(buf_text(&answer), "credentials not found")) {
        *out = (struct credentials)CREDENTIALS_INIT;
        return true;
    }
    return err_set(err, ERR_TRANSIENT, "the credential helper %s failed", name);
}

bool credentials_from_helper(const char *name, const char *host, struct credentials *out,
                             struct err *err) {
    if (!helper_name_valid(name)) {
        return err_set(err, ERR_INVALID,
                       "\"%.64s\" is not the name of a credential helper (letters, digits, _ and "
                       "-; without docker-credential-)",
                       name);
    }
    return credentials_run_helper(name, host, out, err);
}

/* ---- config.json ---- */

static bool credentials_from_config(const json_t *root, const char *host, struct credentials *out,
                                    struct err *err) {
    json_t *helper = credentials_best_member(json_object_member(root, "credHelpers"), host);
    if (json_is_string(helper) && json_string_length(helper) > 0) {
        return credentials_from_helper(json_string_value(helper), host, out, err);
    }
    CLEANUP(credentials_release) struct credentials found = CREDENTIALS_INIT;
    const char *store = json_text(root, "credsStore");
    if (store && *store && !credentials_from_helper(store, host, &found, err)) {
        return false;
    }
    /* A store that knows nothing of the host leaves what was written beside it. */
    json_t *entry = credentials_best_member(json_object_member(root, "auths"), host);
    if (credentials_anonymous(&found) && entry && !credentials_from_entry(entry, &found, err)) {
        return err_wrap(err, "auths of %.100s", host);
    }
    credentials_move(&found, out);
    return true;
}

bool credentials_from_docker_config(const char *text, const char *host, struct credentials *out,
                                    struct err *err) {
    CLEANUP(json_release) json_t *root = NULL;
    size_t len = strlen(text);
    if (len > CREDENTIALS_CONFIG_MAX) {
        return err_set(err, ERR_INVALID, "the file has more than 1 MiB");
    }
    if (!json_parse(text, len, &root, err)) {
        return false;
    }
    if (!json_is_object(root)) {
        return err_set(err, ERR_INVALID, "it is not a JSON object");
    }
    return credentials_from_config(root, host, out, err);
}

static bool credentials_read_file(const char *path, struct buf *out, struct err *err) {
    CLEANUP(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) {
        return err_set(err, ERR_INVALID, "%s", strerrordesc_np(errno));
    }
    char part[4096];
    ssize_t count;
    do {
        count = read(fd, part, sizeof part);
        if (count > 0) {
            buf_append(out, part, (size_t)count);
        }
    } while (count > 0 && !out->overflow);
    explicit_bzero(part, sizeof part);
    if (count < 0) {
        return err_set(err, ERR_INVALID, "%s", strerrordesc_np(errno));
    }
    if (out->overflow || strlen(buf_text(out)) != out->len) {
        return err_set(err, ERR_INVALID, "it has more than 1 MiB, or a zero byte");
    }
    return true;
}

bool credentials_from_docker_config_file(const char *path, const char *host,
                                         struct credentials *out, struct err *err) {
    CLEANUP(credentials_buf_wipe) struct buf text = BUF_INIT(CREDENTIALS_CONFIG_MAX);
    if (!credentials_read_file(path, &text, err) ||
        !credentials_from_docker_config(buf_text(&text), host, out, err)) {
        return err_wrap(err, "%.200s", path);
    }
    return true;
}

/* ---- for an engine ---- */

void credentials_engine_header(const struct credentials *credentials, const char *host,
                               struct buf *out) {
    if (credentials_anonymous(credentials)) {
        buf_puts(out, "e30=");
        return;
    }
    bool hub = strcmp(credentials_host_alias(host), "docker.io") == 0;
    CLEANUP(json_release) json_t *root = json_object();
    const struct secret *token = &credentials->identity_token;
    if (token->bytes) {
        (void)json_object_set_new(root, "identitytoken",
                                  json_text_or_null((const char *)token->bytes));
    } else {
        const char *password = (const char *)credentials->password.bytes;
        (void)json_object_set_new(root, "username", json_text_or_null(credentials->username));
        (void)json_object_set_new(root, "password", json_text_or_null(password ? password : ""));
    }
    (void)json_object_set_new(root, "serveraddress",
                              json_text_or_null(hub ? CREDENTIALS_HUB_KEY : host));
    CLEANUP(credentials_buf_wipe) struct buf text = BUF_INIT(2 * SECRET_MAX);
    json_write(root, &text);
    buf_put_base64url(out, buf_text(&text), text.len);
}
