/* The control API over libmicrohttpd with a thread for each connection. Reads the store through a
 * connection of the request's own. */
#include "agent/control/server.h"

#include <grp.h>
#include <microhttpd.h>
#include <pwd.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/control/decide.h"
#include "agent/model/id.h"
#include "agent/platforms/table.h"
#include "agent/views/doctor.h"
#include "agent/views/document.h"
#include "agent/views/exposition.h"
#include "agent/views/plan.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "webhook/intercept.h"
#include "webhook/listener.h"

#define CONTROL_BODY_MAX (64 * 1024)
#define CONTROL_ANSWER_MAX (64 * 1024 * 1024)
#define CONTROL_CONNECTIONS 32
#define CONTROL_TIMEOUT_S 30
#define CONTROL_STACK (512 * 1024)
#define CONTROL_ACTOR_SIZE 96

struct control_server {
    struct MHD_Daemon *daemon;
    struct workers *workers;
    struct replicas *replicas; /* NULL: there is one */
    struct listener listener;
    bool tcp;
    bool metrics_only;
    atomic_bool stop;
};

struct control_connection {
    struct wire wire;
    int fd;
};

struct control_request {
    struct MHD_Connection *connection;
    struct control_connection *link;
    struct framing_request head;
    struct control_server *server;
    const char *path; /* after the route's prefix */
    struct buf body;
    struct pipeline pipeline; /* filled for the handler */
    struct config *config;
    int status;
};

/* ---- handlers: a document, or an error; the kind of the error is the status ---- */

static const char *control_query(const struct control_request *request, const char *name) {
    return MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name);
}

static bool control_limit(const struct control_request *request, size_t *out, struct err *err) {
    const char *text = control_query(request, "limit");
    *out = STORE_LIST_MAX;
    if (!text) {
        return true;
    }
    char *end = NULL;
    unsigned long limit = strtoul(text, &end, 10);
    if (end == text || *end || limit < 1 || limit > STORE_LIST_MAX) {
        return err_set(err, ERR_INVALID, "limit: a number from 1 to %d", STORE_LIST_MAX);
    }
    *out = (size_t)limit;
    return true;
}

static struct document_view control_view(const struct control_request *request, bool history) {
    return (struct document_view){
        .store = request->pipeline.store, .config = request->config, .history = history};
}

static bool control_id(const struct control_request *request, const char *prefix, int64_t *out,
                       struct err *err) {
    char id[ID_TEXT_SIZE];
    (void)snprintf(id, sizeof id, "%.*s", (int)strcspn(request->path, "/"), request->path);
    return id_parse(prefix, id, out) || err_set(err, ERR_GONE, "no such id: %s", id);
}

static bool get_targets(struct control_request *request, json_t **out, struct err *err) {
    return plan_targets(&request->pipeline, out, err);
}

static bool get_updates(struct control_request *request, json_t **out, struct err *err) {
    struct document_view view = control_view(request, false);
    const char *all = control_query(request, "all");
    struct store_filter filter = {.open_only = !all || strcmp(all, "1") != 0};
    return control_limit(request, &filter.limit, err) && document_updates(&view, &filter, out, err);
}

static bool get_update(struct control_request *request, json_t **out, struct err *err) {
    struct document_view view = control_view(request, true);
    int64_t id = 0;
    return control_id(request, "upd", &id, err) && document_update(&view, id, out, err);
}

static bool get_pushes(struct control_request *request, json_t **out, struct err *err) {
    struct document_view view = control_view(request, false);
    size_t limit = 0;
    return control_limit(request, &limit, err) && document_pushes(&view, limit, out, err);
}

static bool get_doctor(struct control_request *request, json_t **out, struct err *err) {
    *out = doctor_examine(&request->pipeline);
    return *out != NULL || err_set(err, ERR_BUG, "out of memory");
}

static bool get_push(struct control_request *request, json_t **out, struct err *err) {
    struct document_view view = control_view(request, true);
    int64_t id = 0;
    return control_id(request, "psh", &id, err) && document_push(&view, id, out, err);
}

/* Who asks, for the audit trail: on a socket the kernel knows. */
static void control_actor(const struct control_request *request, char out[CONTROL_ACTOR_SIZE]) {
    if (request->server->tcp) {
        (void)snprintf(out, CONTROL_ACTOR_SIZE, "control token");
        return;
    }
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct ucred peer;
    socklen_t size = sizeof peer;
    if (!info || getsockopt(info->connect_fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
        (void)snprintf(out, CONTROL_ACTOR_SIZE, "control socket");
        return;
    }
    struct passwd found;
    struct passwd *user = NULL;
    char text[4096];
    if (getpwuid_r(peer.uid, &found, text, sizeof text, &user) == 0 && user) {
        (void)snprintf(out, CONTROL_ACTOR_SIZE, "uid %lu (%.64s)", (unsigned long)peer.uid,
                       user->pw_name);
    } else {
        (void)snprintf(out, CONTROL_ACTOR_SIZE, "uid %lu", (unsigned long)peer.uid);
    }
}

/* Something was decided: what waits is looked at again. */
static void control_decided(const struct control_request *request) {
    /* What waits for an update that was cancelled waits no longer. */
    store_wake_gate(request->pipeline.store, STORE_WAKE_WAITING_FOR_OTHERS);
    workers_kick(request->server->workers);
    request->pipeline.changed(request->pipeline.context);
}

static bool post_update(struct control_request *request, json_t **out, struct err *err) {
    static const struct {
        const char *name;
        bool (*decide)(struct store *store, int64_t id, const char *actor, struct err *err);
    } actions[] = {
        {"/approve", decide_approve}, {"/cancel", decide_cancel}, {"/retry", decide_retry}};
    int64_t id = 0;
    if (!control_id(request, "upd", &id, err)) {
        return false;
    }
    const char *action = request->path + strcspn(request->path, "/");
    size_t i = 0;
    while (i < ARRAY_LENGTH(actions) && strcmp(actions[i].name, action) != 0) {
        i++;
    }
    if (i == ARRAY_LENGTH(actions)) {
        return err_set(err, ERR_GONE, "an update can be approved, cancelled or retried");
    }
    char actor[CONTROL_ACTOR_SIZE];
    control_actor(request, actor);
    /* Whoever says "now" has often just mended what a registry said no to. */
    resolver_forget(request->pipeline.resolver);
    if (!actions[i].decide(request->pipeline.store, id, actor, err)) {
        return false;
    }
    control_decided(request);
    struct document_view view = control_view(request, true);
    return document_update(&view, id, out, err);
}

/* ---- targets: hold and release ---- */

/* A misspelt target that seems to be on hold would be a trap. Whether it is there cannot always be
 * asked; then it is taken as it is. */
static bool control_target_known(const struct control_request *request, const char *target,
                                 struct err *err) {
    if (strcmp(target, "all") == 0) {
        return true;
    }
    const struct platform *platform = platform_of(target);
    struct target found = {0};
    struct err missing = ERR_INIT;
    if (platform && platform->configured(request->config) &&
        (platform->find(&request->pipeline.session, target, &found, &missing) ||
         missing.kind != ERR_GONE)) {
        return true;
    }
    return err_set(err, ERR_GONE,
                   "there is no target %s: `landwaiter targets` lists them (docker/NAME, "
                   "kubernetes/NAMESPACE/KIND/NAME/CONTAINER), and `all` "
                   "stands for every one",
                   target);
}

/* NULL and JSON null are nothing. */
static bool control_member(const json_t *body, const char *name, const char **out,
                           struct err *err) {
    const json_t *value = json_member(body, name);
    *out = value ? json_string_value(value) : NULL;
    return !value || *out || err_set(err, ERR_INVALID, "`%s` is a text or null", name);
}

static bool control_hold_read(const struct control_request *request, struct hold *out,
                              struct err *err) {
    CLEANUP(json_release) json_t *body = NULL;
    const char *until = NULL;
    const char *reason = NULL;
    if (request->body.len == 0) {
        return true;
    }
    if (!json_parse(buf_text(&request->body), request->body.len, &body, err) ||
        !control_member(body, "until", &until, err) ||
        !control_member(body, "reason", &reason, err)) {
        return false;
    }
    if (!json_is_object(body)) {
        return err_set(err, ERR_INVALID, "an object with `until` and `reason` is expected");
    }
    if (until && (!clock_parse(until, &out->until_ms) || out->until_ms <= 0)) {
        return err_set(err, ERR_INVALID,
                       "`until` is not a time as 2026-12-24T18:00:00Z (RFC 3339)");
    }
    (void)snprintf(out->reason, sizeof out->reason, "%s", reason ? reason : "");
    return true;
}

static bool control_hold(struct control_request *request, const char *target, json_t **out,
                         struct err *err) {
    char actor[CONTROL_ACTOR_SIZE];
    struct hold hold = {0};
    control_actor(request, actor);
    (void)snprintf(hold.target, sizeof hold.target, "%s", target);
    if (!control_hold_read(request, &hold, err) || !control_target_known(request, target, err) ||
        !decide_hold(request->pipeline.store, &hold, actor, err)) {
        return false;
    }
    *out = json_pack("{so so}", "target", json_text_or_null(target), "hold", document_hold(&hold));
    return true;
}

static bool control_release(struct control_request *request, const char *target, json_t **out,
                            struct err *err) {
    char actor[CONTROL_ACTOR_SIZE];
    control_actor(request, actor);
    if (!decide_release(request->pipeline.store, target, actor, err)) {
        return false;
    }
    *out = json_pack("{so sn}", "target", json_text_or_null(target), "hold");
    return true;
}

/* NAME/ACTION, where the name has slashes of its own. */
static bool post_target(struct control_request *request, json_t **out, struct err *err) {
    char target[TARGET_NAME_SIZE];
    const char *action = strrchr(request->path, '/');
    size_t len = action ? (size_t)(action - request->path) : 0;
    if (len == 0 || len >= sizeof target) {
        return err_set(err, ERR_GONE, "a target can be held or released: NAME/hold, NAME/release");
    }
    (void)snprintf(target, sizeof target, "%.*s", (int)len, request->path);
    bool done = false;
    if (strcmp(action, "/hold") == 0) {
        done = control_hold(request, target, out, err);
    } else if (strcmp(action, "/release") == 0) {
        done = control_release(request, target, out, err);
    } else {
        return err_set(err, ERR_GONE, "a target can be held or released");
    }
    if (done) {
        control_decided(request);
    }
    return done;
}

/* ---- windows, audit, plan ---- */

static bool get_windows(struct control_request *request, json_t **out, struct err *err) {
    return document_windows(request->config, clock_now_ms(), out, err);
}

static bool control_audit_verify(const struct control_request *request, json_t **out,
                                 struct err *err) {
    int64_t broken = 0;
    size_t count = 0;
    bool whole = store_audit_verify(request->pipeline.store, &broken, &count, err);
    if (!whole && !broken) {
        return false;
    }
    *out = json_pack("{sb sI so so}", "ok", whole ? 1 : 0, "entries", (json_int_t)count,
                     "broken_at", broken ? json_integer(broken) : json_null(), "reason",
                     json_text_or_null(whole ? NULL : err->message));
    return true;
}

static bool get_audit(struct control_request *request, json_t **out, struct err *err) {
    const char *verify = control_query(request, "verify");
    size_t limit = 0;
    if (verify && strcmp(verify, "1") == 0) {
        return control_audit_verify(request, out, err);
    }
    if (!control_limit(request, &limit, err)) {
        return false;
    }
    *out = store_audit(request->pipeline.store, limit);
    return *out || err_set(err, ERR_BUG, "out of memory");
}

static bool post_plan(struct control_request *request, json_t **out, struct err *err) {
    CLEANUP(json_release) json_t *body = NULL;
    struct ref image = {0};
    if (!json_parse(buf_text(&request->body), request->body.len, &body, err)) {
        return false;
    }
    const char *name = json_text(body, "image");
    const char *digest = json_text(body, "digest");
    if (!name || !ref_parse(name, &image, err)) {
        return name ? false : err_set(err, ERR_INVALID, "`image` is missing");
    }
    if (digest) {
        if (!digest_valid(digest)) {
            return err_set(err, ERR_INVALID, "`digest` is not sha256: and 64 hexadecimal digits");
        }
        (void)snprintf(image.digest, sizeof image.digest, "%s", digest);
    }
    if (!image.tag[0] && !image.digest[0]) {
        return err_set(err, ERR_INVALID, "name a tag or a digest: %s:TAG", name);
    }
    return plan_make(&request->pipeline, &image, out, err);
}

/* ---- metrics ---- */

static bool get_metrics(struct control_request *request, struct buf *out, struct err *err) {
    return exposition_write(request->pipeline.store, request->config, out, err);
}

/* ---- routes ---- */

struct control_route {
    const char *method;
    const char *path; /* with a closing slash: a prefix */
    bool (*handle)(struct control_request *request, json_t **out, struct err *err);
    bool decides; /* with several replicas: the leader's to answer */
    /* In place of handle: a text, and what it is. */
    bool (*write)(struct control_request *request, struct buf *out, struct err *err);
    const char *type;
};

static const struct control_route control_routes[] = {
    {.method = "GET", .path = "/v1/targets", .handle = get_targets},
    {.method = "POST", .path = "/v1/targets/", .handle = post_target, .decides = true},
    {.method = "GET", .path = "/v1/updates", .handle = get_updates},
    {.method = "GET", .path = "/v1/updates/", .handle = get_update},
    {.method = "POST", .path = "/v1/updates/", .handle = post_update, .decides = true},
    {.method = "GET", .path = "/v1/pushes", .handle = get_pushes},
    {.method = "GET", .path = "/v1/pushes/", .handle = get_push},
    {.method = "GET", .path = "/v1/windows", .handle = get_windows},
    {.method = "GET", .path = "/v1/audit", .handle = get_audit},
    {.method = "POST", .path = "/v1/plan", .handle = post_plan},
    {.method = "GET", .path = "/v1/doctor", .handle = get_doctor},
    {.method = "GET",
     .path = "/metrics",
     .write = get_metrics,
     .type = "text/plain; version=0.0.4; charset=utf-8"},
};

static bool control_route_is(const struct control_route *route, const char *path) {
    size_t length = strlen(route->path);
    bool prefix = route->path[length - 1] == '/';
    return prefix ? strncmp(route->path, path, length) == 0 && path[length]
                  : strcmp(route->path, path) == 0;
}

static const struct control_route *control_route_find(const struct control_server *server,
                                                      const char *method, const char *path,
                                                      int *status) {
    *status = MHD_HTTP_NOT_FOUND;
    for (size_t i = 0; i < ARRAY_LENGTH(control_routes); i++) {
        bool served = !server->metrics_only || control_routes[i].write == get_metrics;
        if (served && control_route_is(&control_routes[i], path)) {
            if (strcmp(control_routes[i].method, method) == 0) {
                return &control_routes[i];
            }
            *status = MHD_HTTP_METHOD_NOT_ALLOWED;
        }
    }
    return NULL;
}

static int control_status(enum err_kind kind) {
    switch (kind) {
    case ERR_INVALID:
        return MHD_HTTP_BAD_REQUEST;
    case ERR_GONE:
        return MHD_HTTP_NOT_FOUND;
    case ERR_DENIED:
        return MHD_HTTP_CONFLICT;
    case ERR_TRANSIENT:
        return MHD_HTTP_SERVICE_UNAVAILABLE;
    case ERR_NONE:
    case ERR_BUG:
    default:
        return MHD_HTTP_INTERNAL_SERVER_ERROR;
    }
}

/* ---- answering ---- */

static struct MHD_Response *control_response(const struct buf *text, const char *type) {
    struct MHD_Response *response = MHD_create_response_from_buffer(
        text->len, (void *)(uintptr_t)buf_text(text), MHD_RESPMEM_MUST_COPY);
    if (response) {
        (void)MHD_add_response_header(response, "Content-Type", type);
        (void)MHD_add_response_header(response, "Cache-Control", "no-store");
        (void)MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    }
    return response;
}

static enum MHD_Result control_queue(struct MHD_Connection *connection, int status,
                                     struct MHD_Response *response) {
    if (!response) {
        return MHD_NO;
    }
    enum MHD_Result queued = MHD_queue_response(connection, (unsigned)status, response);
    MHD_destroy_response(response);
    return queued;
}

static struct MHD_Response *control_refusal(const char *why) {
    CLEANUP(json_release) json_t *document = json_pack("{so}", "error", json_text_or_null(why));
    CLEANUP(buf_release) struct buf text = BUF_INIT(CONTROL_ANSWER_MAX);
    json_write(document, &text);
    buf_putc(&text, '\n');
    return control_response(&text, "application/json");
}

static enum MHD_Result control_refuse(struct MHD_Connection *connection, int status,
                                      const char *why) {
    return control_queue(connection, status, control_refusal(why));
}

/* And closes the connection: where the next request begins may not be known. */
static enum MHD_Result control_break_off(struct MHD_Connection *connection, int status,
                                         const char *why) {
    struct MHD_Response *response = control_refusal(why);
    if (response) {
        (void)MHD_add_response_header(response, "Connection", "close");
    }
    return control_queue(connection, status, response);
}

static bool control_authenticated(const struct control_request *request) {
    if (!request->server->tcp || request->server->metrics_only) {
        return true;
    }
    static const char scheme[] = "Bearer ";
    const char *given = framing_value(&request->head, MHD_HTTP_HEADER_AUTHORIZATION);
    if (!given || strncmp(given, scheme, sizeof scheme - 1) != 0) {
        return false;
    }
    given += sizeof scheme - 1;
    return secret_equal(&request->config->control_token, given, strlen(given));
}

/* A page of somebody else's, in the browser of someone who may talk to this address, must change
 * nothing here. */
static bool control_cross_site(const struct control_request *request, const char *method) {
    if (strcmp(method, "GET") == 0) {
        return false;
    }
    const char *site = framing_value(&request->head, "Sec-Fetch-Site");
    if (site) {
        return strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0;
    }
    return framing_value(&request->head, "Origin") != NULL;
}

/* With several replicas a decision is the leader's to take, and stands where a successor finds it
 * before it is answered. */
static bool control_route_run(struct control_request *request, const struct control_route *route,
                              struct buf *text, struct err *err) {
    CLEANUP(json_release) json_t *document = NULL;
    struct replicas *replicas = route->decides ? request->server->replicas : NULL;
    if (replicas && !replicas_leads(replicas, err)) {
        return false;
    }
    if (route->write) {
        return route->write(request, text, err);
    }
    if (!route->handle(request, &document, err) || (replicas && !replicas_flush(replicas, err))) {
        return false;
    }
    json_write(document, text);
    buf_putc(text, '\n');
    return true;
}

static enum MHD_Result control_handle(struct control_request *request,
                                      const struct control_route *route) {
    CLEANUP(buf_release) struct buf text = BUF_INIT(CONTROL_ANSWER_MAX);
    struct err err = ERR_INIT;
    struct http_client *http = http_client_new(&request->server->stop);
    struct store *store = NULL;
    bool good = http && store_open(request->config->state, &store, &err);
    if (good) {
        workers_pipeline(request->server->workers, &request->pipeline);
        request->pipeline.store = store;
        request->pipeline.session.config = request->config;
        request->pipeline.session.http = http;
        request->pipeline.registry.http = http;
        good = control_route_run(request, route, &text, &err);
    }
    store_free(store);
    http_client_free(http);
    return good ? control_queue(
                      request->connection, MHD_HTTP_OK,
                      control_response(&text, route->type ? route->type : "application/json"))
                : control_refuse(request->connection, control_status(err.kind), err.message);
}

static enum MHD_Result control_complete(struct control_request *request, const char *path,
                                        const char *method) {
    struct MHD_Connection *connection = request->connection;
    CLEANUP(config_release) struct config *config = workers_config(request->server->workers);
    request->config = config;
    if (wire_broken(&request->link->wire)) {
        return control_break_off(connection, MHD_HTTP_BAD_REQUEST,
                                 "the body is not properly chunked");
    }
    if (!control_authenticated(request)) {
        return control_refuse(connection, MHD_HTTP_UNAUTHORIZED, "unauthorized");
    }
    if (control_cross_site(request, method)) {
        return control_refuse(connection, MHD_HTTP_FORBIDDEN, "cross-site request refused");
    }
    if (request->body.overflow) {
        return control_refuse(connection, MHD_HTTP_CONTENT_TOO_LARGE, "the body is too large");
    }
    int status = MHD_HTTP_NOT_FOUND;
    const struct control_route *route = control_route_find(request->server, method, path, &status);
    if (!route) {
        return control_refuse(connection, status,
                              status == MHD_HTTP_NOT_FOUND ? "no such path" : "no such method");
    }
    request->path = path + strlen(route->path);
    return control_handle(request, route);
}

/* ---- libmicrohttpd's callbacks: its signatures, not ours ---- */

static void control_drop(struct control_connection *link) {
    if (link) {
        intercept_leave(link->fd);
        wire_release(&link->wire);
        free(link);
    }
}

static struct control_connection *control_link(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct control_connection *link = info ? calloc(1, sizeof *link) : NULL;
    if (link) {
        link->fd = info->connect_fd;
        wire_init(&link->wire);
    }
    if (link && !intercept_enter(link->fd, &link->wire, INTERCEPT_LEVEL)) {
        control_drop(TAKE(link));
    }
    return link;
}

static void control_connected(void *context, struct MHD_Connection *connection, void **link,
                              enum MHD_ConnectionNotificationCode code) {
    (void)context;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        *link = control_link(connection);
    } else {
        control_drop(TAKE(*link));
    }
}

/* The header is complete. Some versions of libmicrohttpd close the connection after an answer that
 * comes before the end of the body, even where there is none: so it is closed with all. */
static enum MHD_Result control_begin(struct control_request *request, const char *method) {
    struct framing_request *head = &request->head;
    if (wire_begin(&request->link->wire, head) == FRAMING_REFUSED) {
        return head->status ? control_break_off(request->connection, (int)head->status, head->why)
                            : MHD_NO;
    }
    if (head->escaped_zero) {
        return control_break_off(request->connection, MHD_HTTP_NOT_FOUND, "no such path");
    }
    bool reads = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
    if (reads && (head->body.chunked || head->body.length > 0)) {
        return control_break_off(request->connection, MHD_HTTP_BAD_REQUEST,
                                 "a body that is not expected");
    }
    if (head->body.length > CONTROL_BODY_MAX) {
        return control_break_off(request->connection, MHD_HTTP_CONTENT_TOO_LARGE,
                                 "the body is too large");
    }
    return MHD_YES;
}

static enum MHD_Result control_access(void *context, struct MHD_Connection *connection,
                                      const char *path, const char *method, const char *version,
                                      const char *data, size_t *size, void **state) {
    (void)version;
    struct control_request *request = *state;
    if (!request) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
        request = info && info->socket_context ? calloc(1, sizeof *request) : NULL;
        if (!request) {
            return MHD_NO;
        }
        *request = (struct control_request){.connection = connection,
                                            .link = info->socket_context,
                                            .server = context,
                                            .body = BUF_INIT(CONTROL_BODY_MAX)};
        *state = request;
        return control_begin(request, method);
    }
    if (*size) {
        buf_append(&request->body, data, *size);
        *size = 0;
        return MHD_YES;
    }
    return control_complete(request, path, method);
}

static void control_completed(void *context, struct MHD_Connection *connection, void **state,
                              enum MHD_RequestTerminationCode why) {
    (void)context;
    (void)connection;
    (void)why;
    struct control_request *request = *state;
    if (request) {
        buf_release(&request->body);
        free(request);
        *state = NULL;
    }
}

/* ---- starting ---- */

/* The socket's folder is made, and the socket belongs to the group landwaiter where there is one.
 */
static void control_prepare(const char *address) {
    char folder[256];
    (void)snprintf(folder, sizeof folder, "%s", address + strlen("unix:"));
    char *slash = strrchr(folder, '/');
    if (slash && slash != folder) {
        *slash = '\0';
        (void)!mkdir(folder, 0755);
    }
}

/* The socket has that group from the start where the agent runs in it, and may not chown. */
static void control_share(const char *path) {
    struct group found;
    struct group *group = NULL;
    char text[4096];
    struct stat now;
    if (getgrnam_r("landwaiter", &found, text, sizeof text, &group) == 0 && group &&
        stat(path, &now) == 0 && now.st_gid != group->gr_gid &&
        chown(path, (uid_t)-1, group->gr_gid) != 0) {
        log_event(LOG_WARNING, "control.group", "path", path, "reason",
                  "the socket cannot be given to the group landwaiter", NULL);
    }
}

static struct control_server *control_new(const char *address, struct workers *workers,
                                          struct err *err) {
    struct control_server *server = calloc(1, sizeof *server);
    if (!server) {
        (void)err_set(err, ERR_BUG, "out of memory");
        return NULL;
    }
    server->workers = workers;
    server->listener.fd = -1;
    server->tcp = strncmp(address, "unix:", 5) != 0;
    if (!server->tcp) {
        control_prepare(address);
    }
    if (!listener_open(address, &server->listener, err)) {
        free(server);
        return NULL;
    }
    if (!server->tcp) {
        control_share(server->listener.path);
    }
    return server;
}

static bool control_serve(struct control_server *server, struct control_server **out,
                          struct err *err) {
    unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL;
    server->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, control_access, server, MHD_OPTION_LISTEN_SOCKET, server->listener.fd,
        MHD_OPTION_NOTIFY_CONNECTION, control_connected, NULL, MHD_OPTION_NOTIFY_COMPLETED,
        control_completed, NULL, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONTROL_CONNECTIONS,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)CONTROL_TIMEOUT_S, MHD_OPTION_THREAD_STACK_SIZE,
        (size_t)CONTROL_STACK, MHD_OPTION_END);
    if (!server->daemon) {
        control_server_free(server);
        return err_set(err, ERR_BUG, "control: the server cannot be started");
    }
    *out = server;
    return true;
}

bool control_server_new(struct config *config, struct workers *workers, struct replicas *replicas,
                        struct control_server **out, struct err *err) {
    struct control_server *server = control_new(config->control, workers, err);
    if (!server) {
        return err_set(err, ERR_INVALID, "control: %.350s: %s", err->message,
                       strncmp(config->control, "unix:", 5) != 0
                           ? "name another address with `control:`"
                           : "make the socket's folder for the agent's user, or name another place "
                             "with `control: unix:PATH`");
    }
    server->replicas = replicas;
    return control_serve(server, out, err);
}

bool control_server_metrics(struct config *config, struct workers *workers,
                            struct control_server **out, struct err *err) {
    struct control_server *server = control_new(config->metrics, workers, err);
    if (!server) {
        return err_set(err, ERR_INVALID, "metrics: %.350s: name another address with `metrics:`",
                       err->message);
    }
    server->metrics_only = true;
    return control_serve(server, out, err);
}

void control_server_free(struct control_server *server) {
    if (!server) {
        return;
    }
    atomic_store(&server->stop, true);
    if (server->daemon) {
        MHD_stop_daemon(server->daemon);
    } else {
        (void)close(server->listener.fd);
    }
    if (server->listener.path[0]) {
        (void)unlink(server->listener.path);
    }
    free(server);
}
