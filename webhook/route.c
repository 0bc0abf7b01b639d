/* Routes: owns the table of paths, and the state machine of a request in libmicrohttpd's handler.
 * Never decodes a path: compares raw bytes. */
#include "webhook/route.h"

#include "webhook/delivery.h"
#include "webhook/inquiry.h"
#include "webhook/reception.h"

static const struct route {
    const char *path; /* a path that ends with a slash takes a name, and perhaps a token */
    enum exchange_kind kind;
    bool post;
    const char *allow;
} routes[] = {
    {"/hooks/", EXCHANGE_HOOK, true, "POST"},
    {"/v1/pushes/", EXCHANGE_PUSH, false, "GET, HEAD"},
    {"/healthz", EXCHANGE_HEALTH, false, "GET, HEAD"},
    {"/readyz", EXCHANGE_READY, false, "GET, HEAD"},
};

static const struct route *route_of(const char *url, const char **rest) {
    for (size_t i = 0; i < ARRAY_LENGTH(routes); i++) {
        size_t len = strlen(routes[i].path);
        bool takes_name = routes[i].path[len - 1] == '/';
        if (strncmp(url, routes[i].path, len) != 0) {
            continue;
        }
        *rest = url + len;
        if (takes_name == (url[len] != '\0')) {
            return &routes[i];
        }
    }
    return NULL;
}

/* NAME or NAME/TOKEN. Accepts a token behind any name: refusing one here would reveal whether the
 * sender exists. */
static void read_name(struct exchange *exchange, const char *rest) {
    size_t len = strcspn(rest, "/");
    exchange->path_token = rest[len] ? rest + len + 1 : NULL;
    exchange->name[0] = '\0';
    if (len < sizeof exchange->name) {
        memcpy(exchange->name, rest, len);
        exchange->name[len] = '\0';
    }
}

static void refuse_framing(struct exchange *exchange, unsigned status, const char *why) {
    exchange_event(exchange, "framing", why);
    exchange_refuse(exchange, status, why);
}

static bool framed(struct exchange *exchange, const char *url) {
    struct framing_request *request = &exchange->request;
    const struct sender_set *senders = exchange->service->snapshot->senders.set;
    enum framing_state state =
        wire_begin(&exchange->wire, &(struct wire_seen){exchange->method, url}, request);
    if (state == FRAMING_REFUSED && request->status == 0) {
        return false; /* closes the connection without an answer */
    }
    if (state == FRAMING_REFUSED) {
        refuse_framing(exchange, request->status, request->why);
    } else if (framing_repeats(request, senders)) {
        state = FRAMING_REFUSED;
        refuse_framing(exchange, MHD_HTTP_BAD_REQUEST, "a header that may occur once is repeated");
    }
    return state == FRAMING_WHOLE;
}

static bool method_taken(struct exchange *exchange, const struct route *route) {
    const char *method = exchange->method;
    bool reads = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
    if (route->post ? strcmp(method, "POST") == 0 : reads) {
        return true;
    }
    answer_error(&exchange->answer, MHD_HTTP_METHOD_NOT_ALLOWED, "method not allowed",
                 &(struct answer_options){.allow = route->allow});
    return false;
}

static bool body_taken(struct exchange *exchange, const struct route *route) {
    const struct framing_body *body = &exchange->request.body;
    if (!route->post) {
        if (body->chunked || body->length > 0) {
            refuse_framing(exchange, MHD_HTTP_BAD_REQUEST, "a body that is not expected");
            return false;
        }
        return true;
    }
    if (!body->chunked && !body->announced) {
        exchange_refuse(exchange, MHD_HTTP_LENGTH_REQUIRED, "Content-Length is missing");
        return false;
    }
    if (body->length > WEBHOOK_BODY_MAX) {
        exchange_event(exchange, "too-large", NULL);
        exchange_refuse(exchange, MHD_HTTP_CONTENT_TOO_LARGE, "the body is larger than 1 MiB");
        return false;
    }
    return true;
}

/* Handles the complete header. False: the answer is set, and the body is not wanted. */
static bool begin(struct exchange *exchange, const char *url) {
    if (!framed(exchange, url)) {
        return false;
    }
    if (!exchange_arrived(exchange)) {
        return false;
    }
    if (exchange->service->stopping) {
        exchange_refuse_busy(exchange, "stopping");
        return false;
    }
    const char *rest = "";
    const struct route *route = route_of(url, &rest);
    if (!route) {
        exchange_refuse(exchange, MHD_HTTP_NOT_FOUND, "no such path");
        return false;
    }
    if (!method_taken(exchange, route) || !body_taken(exchange, route)) {
        return false;
    }
    exchange->kind = route->kind;
    read_name(exchange, rest);
    if (route->kind == EXCHANGE_HOOK) {
        delivery_begin(exchange);
        reception_begin(exchange);
    }
    return true;
}

enum MHD_Result route_handle(void *cls, struct MHD_Connection *connection, const char *url,
                             const char *method, const char *version, const char *bytes,
                             size_t *len, void **state) {
    struct exchange *exchange = *state;
    (void)cls;
    (void)version;
    if (!exchange) {
        exchange = exchange_of(connection);
        if (!exchange || exchange->gone) {
            return MHD_NO;
        }
        *state = exchange;
        exchange->stage = EXCHANGE_RECEIVING;
        exchange->method = method;
        return begin(exchange, url) ? MHD_YES : exchange_reply(exchange);
    }
    if (exchange->gone) {
        return MHD_NO;
    }
    if (*len > 0) {
        size_t received = *len;
        *len = 0;
        return reception_take(exchange, bytes, received);
    }
    if (exchange->stage == EXCHANGE_RECEIVING) {
        if (wire_broken(&exchange->wire)) {
            refuse_framing(exchange, MHD_HTTP_BAD_REQUEST, "the body is not properly chunked");
        } else if (exchange->kind == EXCHANGE_HOOK) {
            delivery_finish(exchange);
        } else {
            inquiry_begin(exchange);
        }
    }
    bool rests = exchange->stage == EXCHANGE_BATCHED || exchange->stage == EXCHANGE_SUSPENDED;
    return rests ? MHD_YES : exchange_reply(exchange);
}
