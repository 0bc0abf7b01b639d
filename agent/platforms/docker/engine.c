/* The client of the engine's API: owns the address, the dialect and the meaning of status codes.
 * Knows no container. */
#include "agent/platforms/docker/engine.h"

#include <pthread.h>
#include <stdarg.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/json_mend.h"

#define ENGINE_HOSTS_MAX 4
#define ENGINE_HOST_SIZE 256
#define ENGINE_ANSWER_MAX ((size_t)32 * 1024 * 1024)
#define ENGINE_TIMEOUT_MS 30000

/* Facts about each engine, shared by all workers. */
static pthread_mutex_t engine_lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    char host[ENGINE_HOST_SIZE]; /* "": unused */
    int newest;
} engine_known[ENGINE_HOSTS_MAX];

static int engine_recall(const char *host) {
    int newest = 0;
    pthread_mutex_lock(&engine_lock);
    for (size_t i = 0; i < ENGINE_HOSTS_MAX; i++) {
        if (strcmp(engine_known[i].host, host) == 0) {
            newest = engine_known[i].newest;
        }
    }
    pthread_mutex_unlock(&engine_lock);
    return newest;
}

/* newest: 0 forgets */
static void engine_remember(const char *host, int newest) {
    pthread_mutex_lock(&engine_lock);
    size_t at = 0;
    for (size_t i = ENGINE_HOSTS_MAX; i-- > 0;) {
        if (engine_known[i].host[0] == '\0') {
            at = i;
        }
    }
    for (size_t i = 0; i < ENGINE_HOSTS_MAX; i++) {
        if (strcmp(engine_known[i].host, host) == 0) {
            at = i;
        }
    }
    int length = snprintf(engine_known[at].host, ENGINE_HOST_SIZE, "%s", newest ? host : "");
    if (length < 0 || length >= ENGINE_HOST_SIZE) {
        engine_known[at].host[0] = '\0';
    }
    engine_known[at].newest = newest;
    pthread_mutex_unlock(&engine_lock);
}

bool engine_minor_parse(const char *text, int *out) {
    if (strncmp(text, "1.", 2) != 0 || text[2] < '0' || text[2] > '9') {
        return false;
    }
    char *end = NULL;
    long minor = strtol(text + 2, &end, 10);
    if (*end != '\0' || minor > 100000) {
        return false;
    }
    *out = (int)minor;
    return true;
}

enum err_kind engine_status_kind(long status) {
    if ((status >= 200 && status < 300) || status == 304) {
        return ERR_NONE;
    }
    if (status == 404) {
        return ERR_GONE;
    }
    if (status == 401 || status == 403) {
        return ERR_DENIED;
    }
    if (status == 429 || status >= 500) {
        return ERR_TRANSIENT;
    }
    return ERR_INVALID;
}

void engine_answer_release(struct engine_answer *answer) {
    json_decref(answer->json);
    answer->json = NULL;
}

/* The engine's message: {"message": …}, or plain text (below 1.24, and proxies). */
static void engine_words(const struct buf *body, char out[static 320]) {
    CLEANUP(json_release) json_t *root = NULL;
    const char *text = NULL;
    if (json_parse(body->data, body->len, &root, NULL)) {
        text = json_text(root, "message");
    }
    if (!text || !*text) {
        text = buf_text(body);
    }
    int used = snprintf(out, 320, "%s", *text ? text : "no reason given");
    size_t len = strlen(out);
    while (used > 0 && len > 0 && (out[len - 1] == '\n' || out[len - 1] == '\r')) {
        out[--len] = '\0';
    }
}

/* The place and content of a request. */
struct engine_parcel {
    struct buf url, body, auth;
    const char *unix_socket;
    const char *headers[3];
};

static void engine_parcel_release(struct engine_parcel *parcel) {
    if (parcel->auth.data) {
        explicit_bzero(parcel->auth.data, parcel->auth.len);
    }
    buf_release(&parcel->url);
    buf_release(&parcel->body);
    buf_release(&parcel->auth);
}

static bool engine_address(const struct config_docker *docker, const char *path,
                           struct engine_parcel *parcel, struct err *err) {
    if (strncmp(docker->host, "unix://", 7) == 0) {
        parcel->unix_socket = docker->host + 7;
        buf_printf(&parcel->url, "http://docker%s", path);
        return true;
    }
    if (strncmp(docker->host, "tcp://", 6) == 0) {
        buf_printf(&parcel->url, "%s://%s%s", docker->tls ? "https" : "http", docker->host + 6,
                   path);
        return true;
    }
    return err_set(err, ERR_INVALID, "%s is not an engine's address: write unix:// or tcp://",
                   docker->host);
}

static bool engine_pack(const struct engine_call *call, struct engine_parcel *parcel,
                        struct err *err) {
    size_t count = 0;
    if (call->body) {
        json_write(call->body, &parcel->body);
        json_mend_undo(&parcel->body);
        parcel->headers[count++] = "Content-Type: application/json";
    }
    if (call->registry_auth) {
        buf_printf(&parcel->auth, "X-Registry-Auth: %s", call->registry_auth);
        parcel->headers[count] = buf_text(&parcel->auth);
    }
    if (parcel->url.overflow || parcel->body.overflow || parcel->auth.overflow) {
        return err_set(err, ERR_INVALID, "a request to the Docker engine is too large");
    }
    return true;
}

static bool engine_send(struct engine *engine, const struct engine_call *call, const char *path,
                        struct http_response *response, struct err *err) {
    const struct config_docker *docker = engine->docker;
    CLEANUP(engine_parcel_release)
    struct engine_parcel parcel = {.url = BUF_INIT(ENGINE_PATH_SIZE + ENGINE_HOST_SIZE),
                                   .body = BUF_INIT(ENGINE_ANSWER_MAX),
                                   .auth = BUF_INIT((size_t)64 * 1024)};
    if (!engine_address(docker, path, &parcel, err) || !engine_pack(call, &parcel, err)) {
        return false;
    }
    const struct http_tls tls = {.ca_file = docker->tls_ca,
                                 .cert_file = docker->tls_certificate,
                                 .key_file = docker->tls_key};
    const struct http_request request = {
        .method = call->method,
        .url = buf_text(&parcel.url),
        .unix_socket = parcel.unix_socket,
        .headers = parcel.headers,
        .body = parcel.body.data,
        .body_len = parcel.body.len,
        .body_max = call->answer_max ? call->answer_max : ENGINE_ANSWER_MAX,
        .timeout_ms = call->timeout_ms ? call->timeout_ms : ENGINE_TIMEOUT_MS,
        .stall_timeout_ms = call->stall_timeout_ms,
        .tls = docker->tls ? &tls : NULL,
        .close_connection = call->own_connection,
        .sink = call->sink,
        .sink_context = call->sink_context,
        .going = call->going,
    };
    return http_perform(engine->http, &request, response, err) ||
           err_wrap(err, "the Docker engine at %s", docker->host);
}

static bool engine_settle(struct engine *engine, int newest, struct err *err) {
    if (newest < ENGINE_MINOR_MIN) {
        return err_set(
            err, ERR_INVALID,
            "the Docker engine at %s speaks API 1.%d at most, and 1.%d is needed: update "
            "Docker to 1.12 or newer",
            engine->docker->host, newest, ENGINE_MINOR_MIN);
    }
    engine->newest = newest;
    engine->minor = newest < ENGINE_MINOR_MAX ? newest : ENGINE_MINOR_MAX;
    return true;
}

static bool engine_negotiate(struct engine *engine, struct err *err) {
    CLEANUP(http_response_release) struct http_response response = HTTP_RESPONSE_INIT;
    CLEANUP(buf_release) struct buf version = BUF_INIT(32);
    const struct engine_call call = {.method = "GET", .answer_max = 4096};
    if (!engine_send(engine, &call, "/_ping", &response, err)) {
        return false;
    }
    if (response.status != 200) {
        return err_set(err, response.status >= 500 ? ERR_TRANSIENT : ERR_INVALID,
                       "the Docker engine at %s answers its ping with HTTP %ld",
                       engine->docker->host, response.status);
    }
    int newest = 0;
    if (!http_response_header(&response, "Api-Version", 0, &version) ||
        !engine_minor_parse(buf_text(&version), &newest)) {
        return err_set(err, ERR_INVALID, "the server at %s is not a Docker engine",
                       engine->docker->host);
    }
    if (!engine_settle(engine, newest, err)) {
        return false;
    }
    engine_remember(engine->docker->host, newest);
    return true;
}

bool engine_open(const struct platform_session *session, struct engine *out, struct err *err) {
    struct engine engine = {
        .http = session->http, .config = session->config, .docker = &session->config->docker};
    int newest = engine_recall(engine.docker->host);
    if (newest ? !engine_settle(&engine, newest, err) : !engine_negotiate(&engine, err)) {
        return false;
    }
    *out = engine;
    return true;
}

/* Every answer names the engine's newest version. A change means that the engine was replaced; the
 * next call negotiates again (a pinned old dialect changes the meaning of `create`). */
static void engine_notice(const struct engine *engine, const struct http_response *response) {
    CLEANUP(buf_release) struct buf version = BUF_INIT(32);
    int newest = 0;
    if (http_response_header(response, "Api-Version", 0, &version) &&
        engine_minor_parse(buf_text(&version), &newest) && newest != engine->newest) {
        engine_remember(engine->docker->host, 0);
    }
}

/* A container is created again from its own document, so nothing in it may be lost. */
static bool engine_parse(struct buf *body, json_t **out, struct err *err) {
    if (body->len == 0) {
        return true;
    }
    if (!json_mend(body, JSON_MEND_TO_WRITE)) {
        return err_set(err, ERR_INVALID,
                       "the Docker engine's answer has bytes that are not a text");
    }
    return json_parse_deep(body->data, body->len, ENGINE_JSON_DEPTH, out, err) ||
           err_wrap(err, "the Docker engine's answer");
}

static bool engine_once(struct engine *engine, const struct engine_call *call,
                        struct engine_answer *answer, struct err *err) {
    CLEANUP(http_response_release) struct http_response response = HTTP_RESPONSE_INIT;
    CLEANUP(json_release) json_t *json = NULL;
    char path[ENGINE_PATH_SIZE];
    int length = snprintf(path, sizeof path, "/v1.%d%s", engine->minor, call->path);
    if (length < 0 || (size_t)length >= sizeof path) {
        return err_set(err, ERR_INVALID, "a name is too long for the Docker engine's API");
    }
    engine->answered = false;
    if (!engine_send(engine, call, path, &response, err)) {
        return false;
    }
    engine->answered = true;
    answer->status = response.status;
    engine_notice(engine, &response);
    enum err_kind kind = engine_status_kind(response.status);
    if (kind != ERR_NONE) {
        engine_words(&response.body, answer->message);
        return err_set(err, kind, "the Docker engine says: %s", answer->message);
    }
    if (!call->sink && !engine_parse(&response.body, &json, err)) {
        return false;
    }
    answer->json = TAKE(json);
    return true;
}

bool engine_call(struct engine *engine, const struct engine_call *call,
                 struct engine_answer *answer, struct err *err) {
    engine_answer_release(answer);
    *answer = (struct engine_answer)ENGINE_ANSWER_INIT;
    if (engine_once(engine, call, answer, err)) {
        return true;
    }
    if (answer->status != 400 || !strstr(answer->message, "client version")) {
        return false;
    }
    if (strstr(answer->message, "too old")) {
        return err_set(err, ERR_INVALID,
                       "the Docker engine at %s is too new: this Landwaiter speaks API 1.%d to "
                       "1.%d; update Landwaiter",
                       engine->docker->host, ENGINE_MINOR_MIN, ENGINE_MINOR_MAX);
    }
    engine_remember(engine->docker->host, 0);
    if (!engine_negotiate(engine, err)) {
        return false;
    }
    *answer = (struct engine_answer)ENGINE_ANSWER_INIT;
    return engine_once(engine, call, answer, err);
}

static bool engine_path(char out[static ENGINE_PATH_SIZE], const char *format, va_list args,
                        struct err *err) PRINTF_LIKE(2, 0);
static bool engine_path(char out[static ENGINE_PATH_SIZE], const char *format, va_list args,
                        struct err *err) {
    int length = vsnprintf(out, ENGINE_PATH_SIZE, format, args);
    if (length < 0 || length >= ENGINE_PATH_SIZE) {
        return err_set(err, ERR_INVALID, "a name is too long for the Docker engine's API");
    }
    return true;
}

bool engine_get(struct engine *engine, json_t **out, struct err *err, const char *format, ...) {
    CLEANUP(engine_answer_release) struct engine_answer answer = ENGINE_ANSWER_INIT;
    char path[ENGINE_PATH_SIZE];
    va_list args;
    va_start(args, format);
    bool fits = engine_path(path, format, args, err);
    va_end(args);
    const struct engine_call call = {.method = "GET", .path = path};
    if (!fits || !engine_call(engine, &call, &answer, err)) {
        return false;
    }
    if (!answer.json) {
        return err_set(err, ERR_INVALID, "the Docker engine answered nothing");
    }
    *out = TAKE(answer.json);
    return true;
}

bool engine_do(struct engine *engine, const char *method, struct err *err, const char *format,
               ...) {
    CLEANUP(engine_answer_release) struct engine_answer answer = ENGINE_ANSWER_INIT;
    char path[ENGINE_PATH_SIZE];
    va_list args;
    va_start(args, format);
    bool fits = engine_path(path, format, args, err);
    va_end(args);
    const struct engine_call call = {.method = method, .path = path};
    return fits && engine_call(engine, &call, &answer, err);
}
