/* Credentials for registries: reads Docker's config.json and asks helper programs. Never stores a
 * credential, and never puts one into an argument list or an error message. */
#include "registry/credentials.h"

#include <errno.h>
#include <fcntl.h>
#include <strings.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/process.h"

#define CREDENTIALS_CONFIG_MAX (1024 * 1024)
#define CREDENTIALS_ANSWER_MAX (64 * 1024)
#define CREDENTIALS_HELPER_MS 10000
#define CREDENTIALS_NAME_MAX 128
#define CREDENTIALS_HUB_KEY "https://index.docker.io/v1/"
/* The user name that marks a helper's secret as an identity token. */
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

/* Normalises the four names of Docker Hub. */
static const char *credentials_host_alias(const char *host) {
    static const char *const hub[] = {"index.docker.io", "registry-1.docker.io"};
    for (size_t i = 0; i < ARRAY_LENGTH(hub); i++) {
        if (strcasecmp(host, hub[i]) == 0) {
            return "docker.io";
        }
    }
    return host;
}

/* Ranks how well a key of `auths` or `credHelpers` names the host: 0 not at all, 1 as the host of
 * one of its repositories (accepted by Docker), 2 as a URL, 3 exactly. */
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

/* The member whose key names the host best; NULL: none. Borrowed. */
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
    /* Some tools pad the password with zero bytes; an inner one would truncate it silently. */
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

static bool helper_name_valid(const char *name) {
    size_t len = strlen(name);
    return len > 0 && len <= CREDENTIALS_NAME_MAX &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == len;
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

static bool credentials_run_helper(const char *name, const char *host, struct credentials *out,
                                   struct err *err) {
    char program[sizeof "docker-credential-" + CREDENTIALS_NAME_MAX];
    char get[] = "get";
    char *const argv[] = {program, get, NULL};
    bool hub = strcmp(credentials_host_alias(host), "docker.io") == 0;
    (void)snprintf(program, sizeof program, "docker-credential-%s", name);
    const struct process_order order = {.argv = argv,
                                        .input = hub ? CREDENTIALS_HUB_KEY : host,
                                        .timeout_ms = CREDENTIALS_HELPER_MS};
    CLEANUP(process_answer_wipe)
    struct process_answer answer = PROCESS_ANSWER_INIT(CREDENTIALS_ANSWER_MAX);
    if (!process_run(&order, &answer, err)) {
        return err_wrap(err, "the credential helper %s", program);
    }
    if (answer.status == 0) {
        return helper_answer_parse(&answer.output, out, err) ||
               err_wrap(err, "the credential helper %s", name);
    }
    /* Every helper reports missing credentials with this text (docker-credential-helpers). */
    if (strstr(buf_text(&answer.output), "credentials not found")) {
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
    /* Falls back to the entry in `auths` if the store has none. */
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
    CLEANUP(own_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
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
    CLEANUP(buf_wipe) struct buf text = BUF_INIT(CREDENTIALS_CONFIG_MAX);
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
    CLEANUP(buf_wipe) struct buf text = BUF_INIT(2 * SECRET_MAX);
    json_write(root, &text);
    buf_put_base64url(out, buf_text(&text), text.len);
}
