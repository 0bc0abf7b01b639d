/* Speaks HTTP through libmicrohttpd, with a thread for each connection: reads the request, decides
 * whether to serve it, and sends the answer. The routes' handlers make the answers. */
#include "agent/control/server.h"

#include <grp.h>
#include <microhttpd.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/control/links.h"
#include "agent/control/origin.h"
#include "agent/control/routes.h"
#include "base/json.h"
#include "base/log.h"
#include "webhook/listener.h"

#define CONTROL_BODY_MAX (64 * 1024)
#define CONTROL_ANSWER_MAX (64 * 1024 * 1024)
#define CONTROL_CONNECTIONS 64
#define CONTROL_UNPROVEN 32 /* beyond so many, the oldest that has proved nothing gives way */
#define CONTROL_TIMEOUT_S 10
#define CONTROL_STACK (512 * 1024)

struct control_server {
    struct MHD_Daemon *daemon;
    struct workers *workers;
    struct replicas *replicas; /* NULL: single replica */
    struct links links;
    struct listener listener;
    char address[300]; /* as configured */
    bool tcp;
    bool metrics_only;
    atomic_bool stop;
};

/* A request from its header to its answer. */
struct control_exchange {
    struct control_request request; /* for the handler */
    struct link *link;
    struct framing_request head;
    struct control_server *server;
};

/* ---- answering ---- */

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

/* Closes the connection as well: the start of the next request may be unknown. */
static enum MHD_Result control_break_off(struct MHD_Connection *connection, int status,
                                         const char *why) {
    struct MHD_Response *response = control_refusal(why);
    if (response) {
        (void)MHD_add_response_header(response, "Connection", "close");
    }
    return control_queue(connection, status, response);
}

/* ---- serving ---- */

static bool control_authenticated(const struct control_exchange *exchange,
                                  const struct config *config) {
    if (!exchange->server->tcp || exchange->server->metrics_only) {
        return true;
    }
    static const char scheme[] = "Bearer ";
    const char *given = framing_value(&exchange->head, MHD_HTTP_HEADER_AUTHORIZATION);
    if (!given || strncmp(given, scheme, sizeof scheme - 1) != 0) {
        return false;
    }
    given += sizeof scheme - 1;
    return secret_equal(&config->control_token, given, strlen(given));
}

/* Did a page of another site make the browser of an authorised person send this order? */
static bool control_cross_site(const struct control_exchange *exchange, const char *method) {
    if (strcmp(method, "GET") == 0) {
        return false;
    }
    const char *site = framing_value(&exchange->head, "Sec-Fetch-Site");
    if (site) {
        return strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0;
    }
    return framing_value(&exchange->head, "Origin") != NULL;
}

/* With several replicas only the leader decides, and it answers once the decision is replicated. */
static bool control_run(struct control_exchange *exchange, const struct control_route *route,
                        struct buf *text, struct err *err) {
    CLEANUP(json_release) json_t *document = NULL;
    struct replicas *replicas = route->decides ? exchange->server->replicas : NULL;
    if (replicas && !replicas_leads(replicas, err)) {
        return false;
    }
    if (route->write) {
        return route->write(&exchange->request, text, err);
    }
    if (!route->handle(&exchange->request, &document, err) ||
        (replicas && !replicas_flush(replicas, err))) {
        return false;
    }
    json_write(document, text);
    buf_putc(text, '\n');
    return true;
}

static enum MHD_Result control_handle(struct control_exchange *exchange,
                                      const struct control_route *route) {
    CLEANUP(buf_release) struct buf text = BUF_INIT(CONTROL_ANSWER_MAX);
    CLEANUP(store_release) struct store *store = NULL;
    struct control_request *request = &exchange->request;
    struct err err = ERR_INIT;
    struct http_client *http = http_client_new(&exchange->server->stop);
    bool good = http && store_open(request->config->state, &store, &err);
    if (good) {
        workers_pipeline(request->workers, &request->pipeline);
        request->pipeline.store = store;
        request->pipeline.session.config = request->config;
        request->pipeline.session.http = http;
        request->pipeline.registry.http = http;
        good = control_run(exchange, route, &text, &err);
    }
    http_client_free(http);
    return good ? control_queue(
                      request->connection, MHD_HTTP_OK,
                      control_response(&text, route->type ? route->type : "application/json"))
                : control_refuse(request->connection, control_status(err.kind), err.message);
}

static enum MHD_Result control_complete(struct control_exchange *exchange, const char *path,
                                        const char *method) {
    struct control_request *request = &exchange->request;
    struct MHD_Connection *connection = request->connection;
    CLEANUP(config_release) struct config *config = workers_config(request->workers);
    request->config = config;
    if (wire_broken(&exchange->link->wire)) {
        return control_break_off(connection, MHD_HTTP_BAD_REQUEST,
                                 "the body is not properly chunked");
    }
    if (request->body.overflow) {
        return control_refuse(connection, MHD_HTTP_CONTENT_TOO_LARGE, "the body is too large");
    }
    const struct control_route *route = NULL;
    switch (control_routes_find(method, path, exchange->server->metrics_only, &route)) {
    case CONTROL_NO_PATH:
        return control_refuse(connection, MHD_HTTP_NOT_FOUND, "no such path");
    case CONTROL_NO_METHOD:
        return control_refuse(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "no such method");
    case CONTROL_FOUND:
    default:
        request->path = path + strlen(route->path);
        return control_handle(exchange, route);
    }
}

/* ---- before the body is read ---- */

static bool control_named(const struct control_exchange *exchange) {
    char machine[256] = "";
    if (!exchange->server->tcp) {
        return true;
    }
    if (gethostname(machine, sizeof machine - 1) != 0) {
        machine[0] = '\0';
    }
    return origin_trusted(framing_value(&exchange->head, "Host"), exchange->server->address,
                          machine);
}

/* Decides by the header alone whether the caller may ask at all. True: it may. */
static bool control_admit(struct control_exchange *exchange, const char *method,
                          enum MHD_Result *out) {
    struct MHD_Connection *connection = exchange->request.connection;
    CLEANUP(config_release) struct config *config = workers_config(exchange->request.workers);
    if (!control_named(exchange)) {
        *out = control_break_off(connection, MHD_HTTP_MISDIRECTED_REQUEST,
                                 "this name is not one of this machine's: use its address, or the "
                                 "name that the configuration listens on");
    } else if (!control_authenticated(exchange, config)) {
        *out = control_break_off(connection, MHD_HTTP_UNAUTHORIZED, "unauthorized");
    } else if (control_cross_site(exchange, method)) {
        *out = control_break_off(connection, MHD_HTTP_FORBIDDEN, "cross-site request refused");
    } else {
        link_prove(&exchange->server->links, exchange->link, !exchange->server->metrics_only);
        return true;
    }
    return false;
}

/* ---- libmicrohttpd's callbacks: its signatures, not ours ---- */

static void control_connected(void *context, struct MHD_Connection *connection, void **link,
                              enum MHD_ConnectionNotificationCode code) {
    struct control_server *server = context;
    if (code != MHD_CONNECTION_NOTIFY_STARTED) {
        link_free(&server->links, TAKE(*link));
        return;
    }
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    *link = info ? link_new(&server->links, info->connect_fd, CONTROL_UNPROVEN) : NULL;
}

/* Checks the complete header. Some versions of libmicrohttpd close the connection when the answer
 * precedes the end of the body, even an empty one; so every refusal here closes it. */
static enum MHD_Result control_begin(struct control_exchange *exchange, const char *path,
                                     const char *method) {
    struct MHD_Connection *connection = exchange->request.connection;
    struct framing_request *head = &exchange->head;
    if (wire_begin(&exchange->link->wire, &(struct wire_seen){method, path}, head) ==
        FRAMING_REFUSED) {
        return head->status ? control_break_off(connection, (int)head->status, head->why) : MHD_NO;
    }
    if (head->escaped_zero) {
        return control_break_off(connection, MHD_HTTP_NOT_FOUND, "no such path");
    }
    enum MHD_Result refused = MHD_YES;
    if (!control_admit(exchange, method, &refused)) {
        return refused;
    }
    bool reads = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
    if (reads && (head->body.chunked || head->body.length > 0)) {
        return control_break_off(connection, MHD_HTTP_BAD_REQUEST, "a body that is not expected");
    }
    if (head->body.length > CONTROL_BODY_MAX) {
        return control_break_off(connection, MHD_HTTP_CONTENT_TOO_LARGE, "the body is too large");
    }
    return MHD_YES;
}

static struct control_exchange *control_exchange_new(struct control_server *server,
                                                     struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct control_exchange *exchange =
        info && info->socket_context ? calloc(1, sizeof *exchange) : NULL;
    if (exchange) {
        exchange->link = info->socket_context;
        exchange->server = server;
        exchange->request = (struct control_request){.connection = connection,
                                                     .body = BUF_INIT(CONTROL_BODY_MAX),
                                                     .tcp = server->tcp,
                                                     .workers = server->workers};
    }
    return exchange;
}

static enum MHD_Result control_access(void *context, struct MHD_Connection *connection,
                                      const char *path, const char *method, const char *version,
                                      const char *data, size_t *size, void **state) {
    (void)version;
    struct control_exchange *exchange = *state;
    if (!exchange) {
        *state = exchange = control_exchange_new(context, connection);
        return exchange ? control_begin(exchange, path, method) : MHD_NO;
    }
    if (*size) {
        buf_append(&exchange->request.body, data, *size);
        *size = 0;
        return MHD_YES;
    }
    return control_complete(exchange, path, method);
}

static void control_completed(void *context, struct MHD_Connection *connection, void **state,
                              enum MHD_RequestTerminationCode why) {
    (void)context;
    (void)connection;
    (void)why;
    struct control_exchange *exchange = *state;
    if (exchange) {
        link_renew(exchange->link);
        buf_release(&exchange->request.body);
        free(exchange);
        *state = NULL;
    }
}

/* ---- starting ---- */

static void control_make_folder(const char *address) {
    char folder[256];
    (void)snprintf(folder, sizeof folder, "%s", address + strlen("unix:"));
    char *slash = strrchr(folder, '/');
    if (slash && slash != folder) {
        *slash = '\0';
        (void)!mkdir(folder, 0755);
    }
}

/* Gives the socket to the group landwaiter if there is one. An agent that runs in that group needs
 * no chown, and is not permitted it. */
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
    links_init(&server->links);
    server->workers = workers;
    server->listener.fd = -1;
    server->tcp = strncmp(address, "unix:", 5) != 0;
    (void)snprintf(server->address, sizeof server->address, "%s", address);
    if (!server->tcp) {
        control_make_folder(address);
    }
    if (!listener_open(address, &server->listener, err)) {
        links_release(&server->links);
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
        MHD_OPTION_NOTIFY_CONNECTION, control_connected, server, MHD_OPTION_NOTIFY_COMPLETED,
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
        own_close(&server->listener.fd);
    }
    if (server->listener.path[0]) {
        (void)unlink(server->listener.path);
    }
    links_release(&server->links);
    free(server);
}
