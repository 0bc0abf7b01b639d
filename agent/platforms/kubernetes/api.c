/* The client of the API server: owns the rate limit and the meaning of answers. Knows no object. */
#include "agent/platforms/kubernetes/api.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/json_mend.h"

#define API_ANSWER_MAX ((size_t)16 * 1024 * 1024)
#define API_TIMEOUT_MS 30000
#define API_INTERVAL_MS 5 /* 200 a second */
#define API_BURST_MS 2500 /* 500 at once */
#define API_RETRY_AFTER_MAX_S 600
#define API_PIECE_MS 200 /* a wait checks for cancellation this often */

struct api {
    struct access *access;
    pthread_mutex_t mutex;
    int64_t next_ms; /* time of the next call's turn, by clock_boot_ms */
    atomic_uint_fast64_t requests;
    bool (*may)(void *context); /* NULL: always */
    void *may_context;
};

struct api *api_new(struct access *access) {
    struct api *api = calloc(1, sizeof *api);
    if (!api) {
        access_free(access);
        return NULL;
    }
    (void)pthread_mutex_init(&api->mutex, NULL);
    api->access = access;
    return api;
}

void api_free(struct api *api) {
    if (api) {
        access_free(api->access);
        (void)pthread_mutex_destroy(&api->mutex);
        free(api);
    }
}

const struct access *api_access(const struct api *api) {
    return api->access;
}

uint64_t api_requests(const struct api *api) {
    return atomic_load(&api->requests);
}

void api_answer_release(struct api_answer *answer) {
    json_decref(answer->json);
    answer->json = NULL;
}

enum err_kind api_status_kind(long status) {
    if (status >= 200 && status < 300) {
        return ERR_NONE;
    }
    switch (status) {
    case 401:
    case 408:
    case 409:
    case 429:
        return ERR_TRANSIENT;
    case 403:
        return ERR_DENIED;
    case 404:
    case 410:
        return ERR_GONE;
    default:
        return status >= 500 ? ERR_TRANSIENT : ERR_INVALID;
    }
}

bool api_denied_waits(struct err *err) {
    if (err && err->kind == ERR_DENIED) {
        err->kind = ERR_TRANSIENT;
    }
    return false;
}

bool api_pause(const struct http_client *http, int64_t ms) {
    int64_t until = clock_boot_ms() + ms;
    int64_t left = ms;
    while (left > 0 && !(http->cancel && atomic_load(http->cancel))) {
        int64_t piece = left < API_PIECE_MS ? left : API_PIECE_MS;
        const struct timespec wait = clock_timespec(piece);
        (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &wait, NULL);
        left = until - clock_boot_ms();
    }
    return left <= 0;
}

/* Each caller takes the next turn: first come, first served. */
static bool api_wait(struct api *api, const struct http_client *http, struct err *err) {
    int64_t now = clock_boot_ms();
    (void)pthread_mutex_lock(&api->mutex);
    if (api->next_ms < now - API_BURST_MS) {
        api->next_ms = now - API_BURST_MS;
    }
    int64_t turn = api->next_ms;
    api->next_ms += API_INTERVAL_MS;
    (void)pthread_mutex_unlock(&api->mutex);
    return api_pause(http, turn - now) || err_set(err, ERR_TRANSIENT, "stopping");
}

static void api_words(const struct buf *body, struct api_answer *answer) {
    CLEANUP(json_release) json_t *status = NULL;
    (void)!json_parse_deep(buf_text(body), body->len, API_JSON_DEPTH, &status, NULL);
    const char *reason = json_text(status, "reason");
    const char *message = json_text(status, "message");
    (void)snprintf(answer->reason, sizeof answer->reason, "%s", reason ? reason : "");
    const char *text = reason ? reason : body->len ? buf_text(body) : "no reason given";
    (void)snprintf(answer->message, sizeof answer->message, "%s", message ? message : text);
}

/* The content of one request. */
struct api_parcel {
    struct access_pass pass;
    struct buf url, body;
    const char *headers[4];
};

static void api_parcel_release(struct api_parcel *parcel) {
    access_pass_release(&parcel->pass);
    buf_release(&parcel->url);
    buf_release(&parcel->body);
}

static bool api_pack(struct api *api, const struct api_call *call, struct api_parcel *out,
                     struct err *err) {
    static const char *const patches[] = {"Content-Type: application/json-patch+json",
                                          "Content-Type: application/merge-patch+json"};
    size_t count = 0;
    if (!access_pass(api->access, &out->pass, err)) {
        return false;
    }
    out->headers[count++] = "Accept: application/json";
    if (out->pass.authorization) {
        out->headers[count++] = out->pass.authorization;
    }
    if (call->body) {
        json_write(call->body, &out->body);
        out->headers[count++] = strcmp(call->method, "PATCH") == 0
                                    ? patches[call->patch]
                                    : "Content-Type: application/json";
    }
    buf_printf(&out->url, "%s%s", access_server(api->access), call->path);
    return !(out->url.overflow || out->body.overflow) ||
           err_set(err, ERR_INVALID, "a request to the API server is too large");
}

/* The meaning of the server's answer. */
static bool api_understand(const struct api_call *call, struct http_response *response,
                           struct api_answer *answer, struct err *err) {
    enum err_kind kind = api_status_kind(response->status);
    answer->status = response->status;
    (void)json_mend(&response->body, JSON_MEND_TO_READ);
    if (kind != ERR_NONE) {
        api_words(&response->body, answer);
        (void)err_set(err, kind, "the API server says: %s", answer->message);
        if (err) {
            err->retry_after_ms = http_retry_after_ms(response, API_RETRY_AFTER_MAX_S);
        }
        return false;
    }
    return response->body.len == 0 || call->sink ||
           json_parse_deep(response->body.data, response->body.len, API_JSON_DEPTH, &answer->json,
                           err) ||
           err_wrap(err, "the API server's answer");
}

static bool api_once(struct api *api, struct http_client *http, const struct api_call *call,
                     struct api_answer *answer, struct err *err) {
    CLEANUP(http_response_release) struct http_response response = HTTP_RESPONSE_INIT;
    CLEANUP(api_parcel_release)
    struct api_parcel parcel = {.url = BUF_INIT((size_t)16 * 1024),
                                .body = BUF_INIT((size_t)1024 * 1024)};
    if (!api_pack(api, call, &parcel, err)) {
        return false;
    }
    const struct http_request request = {
        .method = call->method,
        .url = buf_text(&parcel.url),
        .headers = parcel.headers,
        .body = parcel.body.data,
        .body_len = parcel.body.len,
        .body_max = call->answer_max ? call->answer_max : API_ANSWER_MAX,
        .timeout_ms = call->timeout_ms ? call->timeout_ms : API_TIMEOUT_MS,
        .stall_timeout_ms = call->stall_timeout_ms,
        .tls = &parcel.pass.tls,
        .sink = call->sink,
        .sink_context = call->sink_context};
    atomic_fetch_add(&api->requests, 1);
    if (!http_perform(http, &request, &response, err)) {
        return err_wrap(err, "the API server");
    }
    return api_understand(call, &response, answer, err);
}

void api_guard(struct api *api, bool (*may)(void *context), void *context) {
    api->may = may;
    api->may_context = context;
}

static bool api_allowed(const struct api *api, const struct api_call *call, struct err *err) {
    bool changes = strcmp(call->method, "GET") != 0 && strcmp(call->method, "POST") != 0;
    return !changes || !api->may || api->may(api->may_context) ||
           err_set(err, ERR_TRANSIENT, "another replica works now");
}

bool api_call(struct api *api, struct http_client *http, const struct api_call *call,
              struct api_answer *answer, struct err *err) {
    for (int tries = 0;; tries++) {
        api_answer_release(answer);
        *answer = (struct api_answer)API_ANSWER_INIT;
        if (!call->unlimited && !api_wait(api, http, err)) {
            return false;
        }
        if (!api_allowed(api, call, err)) {
            return false;
        }
        if (api_once(api, http, call, answer, err)) {
            return true;
        }
        if (answer->status != 401 || tries > 0) {
            return false;
        }
        access_refused(api->access);
    }
}

bool api_get(struct api *api, struct http_client *http, json_t **out, struct err *err,
             const char *format, ...) {
    CLEANUP(api_answer_release) struct api_answer answer = API_ANSWER_INIT;
    char path[API_PATH_SIZE];
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(path, sizeof path, format, arguments);
    va_end(arguments);
    if (len < 0 || (size_t)len >= sizeof path) {
        return err_set(err, ERR_INVALID, "a name is too long for the API server");
    }
    const struct api_call call = {.method = "GET", .path = path};
    if (!api_call(api, http, &call, &answer, err)) {
        return false;
    }
    if (!json_is_object(answer.json)) {
        return err_set(err, ERR_INVALID, "the API server's answer is no object");
    }
    *out = TAKE(answer.json);
    return true;
}
