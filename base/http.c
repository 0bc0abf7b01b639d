/* The HTTP client: owns one libcurl handle with its connections, and the limits of a transfer.
 * Never reads the environment, never leaves the request's origin, and never puts a credential into
 * an error. */
#include "base/http.h"

#include <curl/curl.h>
#include <openssl/x509_vfy.h>
#include <signal.h>
#include <strings.h>
#include <time.h>

#include "base/clock.h"
#include "base/http_failure.h"
#include "base/http_options.h"

#define BODY_MAX_DEFAULT ((size_t)1024 * 1024)
#define TIMEOUT_DEFAULT_MS 60000
#define URL_MAX ((size_t)16 * 1024)
#define QUIET_MAX_MS (60 * 60 * 1000)
#define GOING_MS 500
#define HEADERS_MAX ((size_t)64 * 1024)

struct curl_client {
    struct http_client client; /* first, so that a pointer to it is a pointer to both */
    CURL *easy;
    CURLM *multi; /* only of a wakeable client */
};

/* The reason why a callback aborted the transfer; libcurl does not know it. */
enum stop { STOP_NOT, STOP_CANCEL, STOP_STALL, STOP_BODY, STOP_HEADERS, STOP_SINK, STOP_GOING };

struct transfer {
    const struct http_client *client;
    const struct http_request *request;
    CURL *easy;
    char name[ERR_MESSAGE_MAX / 2]; /* host or socket, for errors */
    int64_t deadline_ms;            /* 0: none */
    int64_t active_ms;              /* time of the last byte in either direction */
    int64_t asked_ms;               /* time of the last call of `going` */
    curl_off_t uploaded;
    struct buf headers;
    struct buf body;
    bool in_header; /* between a status line and the empty line */
    bool final;     /* the status line was not 1xx */
    enum stop stop;
};

/* Not base/clock: a replaced clock does not apply to sockets. */
static int64_t monotonic_ms(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return clock_of_timespec(&now);
}

/* URLs */

static void url_release(CURLU **url) {
    curl_url_cleanup(*url);
}

static void curl_text_release(char **text) {
    curl_free(*text);
}

static void list_release(struct curl_slist **list) {
    curl_slist_free_all(*list);
}

static CURLU *url_parse(const char *text) {
    CLEANUP(url_release) CURLU *url = curl_url();
    CLEANUP(curl_text_release) char *scheme = NULL;
    if (!url || !text || strlen(text) > URL_MAX ||
        curl_url_set(url, CURLUPART_URL, text, 0) != CURLUE_OK ||
        curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK) {
        return NULL;
    }
    if (strcasecmp(scheme, "http") != 0 && strcasecmp(scheme, "https") != 0) {
        return NULL;
    }
    return TAKE(url);
}

static bool part_equal(CURLU *a, CURLU *b, CURLUPart part) {
    CLEANUP(curl_text_release) char *left = NULL;
    CLEANUP(curl_text_release) char *right = NULL;
    return curl_url_get(a, part, &left, CURLU_DEFAULT_PORT) == CURLUE_OK &&
           curl_url_get(b, part, &right, CURLU_DEFAULT_PORT) == CURLUE_OK &&
           strcasecmp(left, right) == 0;
}

static bool same_origin(const char *from, const char *to) {
    CLEANUP(url_release) CURLU *a = url_parse(from);
    CLEANUP(url_release) CURLU *b = url_parse(to);
    return a && b && part_equal(a, b, CURLUPART_SCHEME) && part_equal(a, b, CURLUPART_HOST) &&
           part_equal(a, b, CURLUPART_PORT);
}

/* Takes only host and port: the rest of the URL may hold a token. */
static bool name_set(struct transfer *t, struct err *err) {
    CLEANUP(url_release) CURLU *url = url_parse(t->request->url);
    CLEANUP(curl_text_release) char *host = NULL;
    CLEANUP(curl_text_release) char *port = NULL;
    if (!url || curl_url_get(url, CURLUPART_HOST, &host, 0) != CURLUE_OK) {
        return err_set(err, ERR_INVALID, "not an http or https URL");
    }
    if (t->request->unix_socket) {
        (void)snprintf(t->name, sizeof t->name, "%s", t->request->unix_socket);
        return true;
    }
    bool explicit_port = curl_url_get(url, CURLUPART_PORT, &port, 0) == CURLUE_OK;
    (void)snprintf(t->name, sizeof t->name, "%s%s%s", host, explicit_port ? ":" : "",
                   explicit_port ? port : "");
    return true;
}

/* Callbacks of libcurl */

static bool cancelled(const struct transfer *t) {
    return t->client->cancel && atomic_load(t->client->cancel);
}

/* libcurl aborts on any return value but the given size. */
static size_t stop_with(struct transfer *t, enum stop stop) {
    t->stop = stop;
    return 0;
}

static size_t on_body(char *bytes, size_t one, size_t len, void *context) {
    struct transfer *t = context;
    (void)one;
    t->active_ms = monotonic_ms();
    long status = 0;
    (void)curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    if (t->request->sink && status >= 200 && status <= 299) {
        return t->request->sink(t->request->sink_context, bytes, len) ? len
                                                                      : stop_with(t, STOP_SINK);
    }
    buf_append(&t->body, bytes, len);
    return t->body.overflow ? stop_with(t, STOP_BODY) : len;
}

/* Keeps the lines between the last status line and the empty line. Drops trailers, which could
 * otherwise pass for headers. */
static size_t on_header(char *bytes, size_t one, size_t len, void *context) {
    struct transfer *t = context;
    (void)one;
    t->active_ms = monotonic_ms();
    size_t length = len;
    while (length > 0 && (bytes[length - 1] == '\n' || bytes[length - 1] == '\r')) {
        length--;
    }
    if (!t->in_header) {
        if (!t->final) {
            buf_clear(&t->headers);
            long status = 0;
            (void)curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
            t->in_header = true;
            t->final = status < 100 || status > 199;
        }
        return len;
    }
    if (length == 0) {
        t->in_header = false;
        return len;
    }
    buf_append(&t->headers, bytes, length);
    buf_putc(&t->headers, '\n');
    return t->headers.overflow ? stop_with(t, STOP_HEADERS) : len;
}

/* libcurl calls this about once a second, and at each transfer of bytes. */
static int on_progress(void *context, curl_off_t download_total, curl_off_t downloaded,
                       curl_off_t upload_total, curl_off_t uploaded) {
    struct transfer *t = context;
    (void)download_total, (void)downloaded, (void)upload_total;
    int64_t now = monotonic_ms();
    if (uploaded != t->uploaded) {
        t->uploaded = uploaded;
        t->active_ms = now;
    }
    if (cancelled(t)) {
        t->stop = STOP_CANCEL;
    } else if (t->request->stall_timeout_ms > 0 &&
               now - t->active_ms >= t->request->stall_timeout_ms) {
        t->stop = STOP_STALL;
    } else if (t->request->going && now >= t->asked_ms + GOING_MS) {
        t->asked_ms = now;
        t->stop = t->request->going(t->request->sink_context) ? t->stop : STOP_GOING;
    }
    return t->stop != STOP_NOT;
}

static bool set_callbacks(struct transfer *t) {
    return curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
           curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t) == CURLE_OK &&
           curl_easy_setopt(t->easy, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK &&
           curl_easy_setopt(t->easy, CURLOPT_HEADERDATA, t) == CURLE_OK &&
           curl_easy_setopt(t->easy, CURLOPT_XFERINFOFUNCTION, on_progress) == CURLE_OK &&
           curl_easy_setopt(t->easy, CURLOPT_XFERINFODATA, t) == CURLE_OK &&
           curl_easy_setopt(t->easy, CURLOPT_NOPROGRESS, 0L) == CURLE_OK;
}

/* Errors */

static bool fail_stopped(const struct transfer *t, struct err *err) {
    switch (t->stop) {
    case STOP_CANCEL:
        return err_set(err, ERR_TRANSIENT, "stopping");
    case STOP_STALL:
        return err_set(err, ERR_TRANSIENT, "%s: no data for %lld ms", t->name,
                       (long long)t->request->stall_timeout_ms);
    case STOP_BODY:
        return err_set(err, ERR_INVALID, "%s: the answer is larger than %zu bytes", t->name,
                       t->body.max);
    case STOP_HEADERS:
        return err_set(err, ERR_INVALID, "%s: the answer's header is too large", t->name);
    case STOP_SINK:
        return err_set(err, ERR_INVALID, "%s: the answer was not accepted", t->name);
    case STOP_GOING:
        return err_set(err, ERR_TRANSIENT, "%s: it takes too long", t->name);
    case STOP_NOT:
        break;
    }
    return err_set(err, ERR_BUG, "%s: aborted without a reason", t->name);
}

static bool fail_verification(const struct transfer *t, struct err *err) {
    long result = X509_V_OK;
    (void)curl_easy_getinfo(t->easy, CURLINFO_SSL_VERIFYRESULT, &result);
    /* libcurl compares the name itself, so OpenSSL has no result of it. */
    bool other_name = result == X509_V_OK || result == X509_V_ERR_UNSPECIFIED;
    return err_set(err, ERR_INVALID, "%s: TLS certificate not trusted: %s", t->name,
                   other_name ? "it is for another name" : X509_verify_cert_error_string(result));
}

static bool fail_connect(const struct transfer *t, struct err *err) {
    long code = 0;
    (void)curl_easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &code);
    char text[128] = "";
    const char *reason = code ? strerror_r((int)code, text, sizeof text) : "cannot connect";
    return err_set(err, ERR_TRANSIENT, "%s: %s", t->name, reason);
}

/* Not libcurl's error buffer, which may quote the server. */
static bool fail_code(const struct transfer *t, CURLcode code, struct err *err) {
    if (t->stop != STOP_NOT) {
        return fail_stopped(t, err);
    }
    if (code == CURLE_PEER_FAILED_VERIFICATION) {
        return fail_verification(t, err);
    }
    if (code == CURLE_COULDNT_CONNECT) {
        return fail_connect(t, err);
    }
    struct http_failure failure =
        http_failure_of((int)code, curl_version_info(CURLVERSION_NOW)->version_num);
    return err_set(err, failure.kind, "%s: %s", t->name, failure.text);
}

/* Transfers */

/* 0: there is no deadline. */
static int64_t left_ms(const struct transfer *t) {
    int64_t left = t->deadline_ms - monotonic_ms();
    return t->deadline_ms == 0 ? 0 : left > 0 ? left : 1;
}

/* The time until the transfer would stall. libcurl keeps its own timeouts. */
static int quiet_ms(const struct transfer *t) {
    int64_t stall = t->request->stall_timeout_ms;
    int64_t left = stall > 0 ? t->active_ms + stall - monotonic_ms() : QUIET_MAX_MS;
    return (int)(left < 0 ? 0 : left > QUIET_MAX_MS ? QUIET_MAX_MS : left);
}

/* Like curl_easy_perform, but waits for http_client_wake instead of checking *cancel once a
 * second. */
static CURLcode perform_quietly(struct transfer *t) {
    CURLM *multi = ((const struct curl_client *)t->client)->multi;
    CURLcode result = CURLE_ABORTED_BY_CALLBACK; /* if libcurl reports no result */
    int running = 1;
    if (curl_multi_add_handle(multi, t->easy) != CURLM_OK) {
        return CURLE_FAILED_INIT;
    }
    CURLMcode code = curl_multi_perform(multi, &running);
    while (code == CURLM_OK && running > 0 && t->stop == STOP_NOT) {
        code = curl_multi_poll(multi, NULL, 0, quiet_ms(t), NULL);
        (void)on_progress(t, 0, 0, 0, t->uploaded);
        if (code == CURLM_OK && t->stop == STOP_NOT) {
            code = curl_multi_perform(multi, &running);
        }
    }
    int left = 0;
    for (CURLMsg *message = NULL; (message = curl_multi_info_read(multi, &left));) {
        result = message->msg == CURLMSG_DONE ? message->data.result : result;
    }
    (void)curl_multi_remove_handle(multi, t->easy);
    return code == CURLM_OK ? result : CURLE_RECV_ERROR;
}

/* Sends one request; a redirect counts as the answer. */
static bool exchange(struct transfer *t, const char *url, const struct curl_slist *headers,
                     struct err *err) {
    buf_clear(&t->headers);
    buf_clear(&t->body);
    t->in_header = t->final = false;
    t->active_ms = monotonic_ms();
    t->uploaded = 0;
    if (cancelled(t)) {
        t->stop = STOP_CANCEL;
        return fail_stopped(t, err);
    }
    curl_easy_reset(t->easy);
    if (!http_options_set(t->easy, t->request, url) ||
        !http_options_timeouts(t->easy, t->request, left_ms(t)) || !set_callbacks(t) ||
        curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, headers) != CURLE_OK) {
        return err_set(err, ERR_BUG, "%s: the request cannot be set up", t->name);
    }
    bool quiet = ((const struct curl_client *)t->client)->multi != NULL;
    CURLcode code = quiet ? perform_quietly(t) : curl_easy_perform(t->easy);
    /* The list belongs to this request; the handle outlives it. */
    (void)curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, NULL);
    return code == CURLE_OK || fail_code(t, code, err);
}

/* The redirect to follow, as a copy for the caller; NULL: none. Only 307 and 308 keep a method
 * other than GET and HEAD, so nothing else is repeated. */
static char *redirect_target(const struct transfer *t, const char *url, long status) {
    char *target = NULL;
    if (curl_easy_getinfo(t->easy, CURLINFO_REDIRECT_URL, &target) != CURLE_OK || !target) {
        return NULL;
    }
    bool reads = strcmp(t->request->method, "GET") == 0 || strcmp(t->request->method, "HEAD") == 0;
    bool keeps = status == 307 || status == 308;
    bool follows = keeps || (reads && (status == 301 || status == 302 || status == 303));
    return follows && same_origin(url, target) ? strdup(target) : NULL;
}

static bool follow(struct transfer *t, const struct curl_slist *headers, long *status,
                   struct err *err) {
    CLEANUP(own_free) char *moved = NULL;
    for (int redirects = 0;; redirects++) {
        const char *url = moved ? moved : t->request->url;
        if (!exchange(t, url, headers, err)) {
            return false;
        }
        *status = 0;
        (void)curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, status);
        char *target =
            redirects < t->request->max_redirects ? redirect_target(t, url, *status) : NULL;
        if (!target) {
            return true;
        }
        free(moved);
        moved = target;
    }
}

static void transfer_release(struct transfer *t) {
    buf_release(&t->headers);
    buf_release(&t->body);
}

static bool curl_perform(struct http_client *client, const struct http_request *request,
                         struct http_response *response, struct err *err) {
    CLEANUP(transfer_release)
    struct transfer t = {
        .client = client,
        .request = request,
        .easy = ((struct curl_client *)client)->easy,
        .headers = BUF_INIT(HEADERS_MAX),
        .body = BUF_INIT(request->body_max ? request->body_max : BODY_MAX_DEFAULT),
    };
    if (request->timeout_ms >= 0) {
        t.deadline_ms =
            monotonic_ms() + (request->timeout_ms ? request->timeout_ms : TIMEOUT_DEFAULT_MS);
    }
    CLEANUP(list_release) struct curl_slist *headers = NULL;
    long status = 0;
    if (!name_set(&t, err) || !http_options_headers(request, &headers, err) ||
        !follow(&t, headers, &status, err)) {
        return false;
    }
    http_response_release(response);
    response->status = status;
    response->headers = t.headers;
    response->body = t.body;
    t.headers = (struct buf)BUF_INIT(0);
    t.body = (struct buf)BUF_INIT(0);
    return true;
}

static void curl_release(struct http_client *client) {
    struct curl_client *self = (struct curl_client *)client;
    curl_easy_cleanup(self->easy);
    (void)curl_multi_cleanup(self->multi);
    free(self);
}

bool http_global_init(struct err *err) {
    /* OpenSSL writes to sockets without MSG_NOSIGNAL; a server that hangs up must not kill the
     * process. */
    (void)signal(SIGPIPE, SIG_IGN);
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return err_set(err, ERR_BUG, "libcurl cannot be started");
    }
    return true;
}

static struct http_client *(*replaced)(const atomic_bool *cancel); /* NULL: libcurl */

void http_client_replace(struct http_client *(*make)(const atomic_bool *cancel)) {
    replaced = make;
}

struct http_client *http_client_new(const atomic_bool *cancel) {
    if (replaced) {
        return replaced(cancel);
    }
    struct curl_client *self = calloc(1, sizeof *self);
    if (!self) {
        return NULL;
    }
    self->easy = curl_easy_init();
    if (!self->easy) {
        free(self);
        return NULL;
    }
    self->client.perform = curl_perform;
    self->client.release = curl_release;
    self->client.cancel = cancel;
    return (struct http_client *)self;
}

struct http_client *http_client_new_wakeable(const atomic_bool *cancel) {
    struct http_client *client = http_client_new(cancel);
    struct curl_client *self = (struct curl_client *)client;
    if (self) {
        self->multi = curl_multi_init();
        if (!self->multi) {
            http_client_free(client);
            return NULL;
        }
    }
    return client;
}

void http_client_wake(struct http_client *client) {
    if (client) {
        (void)curl_multi_wakeup(((struct curl_client *)client)->multi);
    }
}

void http_client_free(struct http_client *client) {
    if (client && client->release) {
        client->release(client);
    }
}

bool http_perform(struct http_client *client, const struct http_request *request,
                  struct http_response *response, struct err *err) {
    return client->perform(client, request, response, err);
}
