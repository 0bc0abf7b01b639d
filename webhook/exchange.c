/* Exchanges: owns each connection's memory, deadline, and suspension. Never interprets a
 * request. */
#include "webhook/exchange.h"

#include <gnutls/gnutls.h>
#include <sys/socket.h>

#include "webhook/intercept.h"

void exchange_arm(struct exchange *exchange, enum exchange_term term) {
    struct service *service = exchange->service;
    const struct webhook_limits *limits = &service->limits;
    if (exchange->gone) {
        return;
    }
    const int64_t lengths[EXCHANGE_TERMS] = {
        [EXCHANGE_HEADER] = limits->header_ms,
        [EXCHANGE_BODY] = limits->body_look_ms,
        [EXCHANGE_REST] = limits->request_ms,
    };
    deadline_arm(&service->deadlines[term], &exchange->deadline, service->boot_ms + lengths[term]);
}

struct exchange *exchange_of(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

/* The first bytes of a header arrived, and not all of them. */
static void header_begun(void *context) {
    struct exchange *exchange = context;
    if (exchange->stage == EXCHANGE_IDLE && exchange->answered) {
        exchange_arm(exchange, EXCHANGE_HEADER);
    }
}

/* ---- who may have a connection ---- */

static void link_open(struct exchange *exchange) {
    struct service *service = exchange->service;
    exchange->next_open = service->opened;
    if (service->opened) {
        service->opened->previous_open = exchange;
    }
    service->opened = exchange;
}

static void unlink_open(struct exchange *exchange) {
    if (exchange->previous_open) {
        exchange->previous_open->next_open = exchange->next_open;
    } else {
        exchange->service->opened = exchange->next_open;
    }
    if (exchange->next_open) {
        exchange->next_open->previous_open = exchange->previous_open;
    }
}

/* False: this one must go itself. */
static bool make_room(struct exchange *exchange) {
    struct place *surplus;
    while ((surplus = places_surplus(&exchange->service->places, &exchange->place))) {
        if (surplus->owner == exchange) {
            return false;
        }
        exchange_let_go(surplus->owner, MHD_HTTP_SERVICE_UNAVAILABLE, "busy; send it again");
    }
    return true;
}

static bool take_place(struct exchange *exchange) {
    struct service *service = exchange->service;
    exchange->behind_proxy = peer_trusted(&exchange->peer, service->snapshot->senders.proxies);
    exchange->place.owner = exchange;
    return places_enter(&service->places, &exchange->place,
                        exchange->behind_proxy ? NULL : &exchange->peer, service->boot_ms);
}

static struct peer origin_of(const struct exchange *exchange) {
    return peer_behind(&exchange->peer, framing_last(&exchange->request, "X-Forwarded-For"),
                       exchange->service->snapshot->senders.proxies);
}

bool exchange_arrived(struct exchange *exchange) {
    struct service *service = exchange->service;
    if (exchange->behind_proxy) {
        const struct peer origin = origin_of(exchange);
        places_move(&service->places, &exchange->place, &origin, service->boot_ms);
    } else {
        places_renew(&service->places, &exchange->place);
    }
    if (!make_room(exchange)) {
        exchange_refuse_busy(exchange, "too many connections");
        return false;
    }
    return true;
}

void exchange_proved(struct exchange *exchange) {
    places_prove(&exchange->service->places, &exchange->place, exchange->service->boot_ms);
}

/* ---- a connection's life ---- */

static void exchange_free(struct exchange *exchange) {
    deadline_disarm(&exchange->deadline);
    body_release(&exchange->body);
    places_leave(&exchange->service->places, &exchange->place);
    unlink_open(exchange);
    intercept_leave(exchange->fd);
    wire_release(&exchange->wire);
    free(exchange);
}

static struct exchange *exchange_new(struct service *service, struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct exchange *exchange = info ? calloc(1, sizeof *exchange) : NULL;
    if (exchange && !intercept_enter(info->connect_fd, &exchange->wire,
                                     service->tls ? INTERCEPT_TLS : INTERCEPT_EDGE)) {
        free(TAKE(exchange));
    }
    if (exchange) {
        wire_init(&exchange->wire);
        exchange->wire.begun = header_begun;
        exchange->wire.context = exchange;
        exchange->service = service;
        exchange->connection = connection;
        exchange->fd = info->connect_fd;
        info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
        exchange->peer = peer_of(info ? info->client_addr : NULL);
        link_open(exchange);
        exchange_arm(exchange, EXCHANGE_HEADER);
        if (!take_place(exchange)) {
            exchange_free(TAKE(exchange));
        }
    }
    return exchange;
}

enum MHD_Result exchange_accept(void *cls, const struct sockaddr *address, socklen_t length) {
    const struct places *places = &((const struct service *)cls)->places;
    (void)address;
    (void)length;
    const size_t open = places_count(places) + places->leaving;
    return open < places->max + EXCHANGE_SPARE - 1 ? MHD_YES : MHD_NO;
}

void exchange_connected(void *cls, struct MHD_Connection *connection, void **socket_context,
                        enum MHD_ConnectionNotificationCode code) {
    struct service *service = cls;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        struct exchange *fresh = exchange_new(service, connection);
        *socket_context = fresh;
        if (fresh && !make_room(fresh)) {
            exchange_let_go(fresh, 0, NULL);
        }
        return;
    }
    struct exchange *exchange = *socket_context;
    *socket_context = NULL;
    /* At its connection limit, libmicrohttpd listens again only in the run after a close. */
    service->run_again = true;
    if (exchange) {
        exchange_free(exchange);
    }
}

static void count(struct exchange *exchange) {
    if (!exchange->counted) {
        exchange->counted = true;
        exchange->service->open++;
    }
}

/* The client left before the commit: drop the delivery. */
static void drop_from_batch(const struct exchange *exchange) {
    struct service *service = exchange->service;
    service->batch_count--;
    for (size_t i = exchange->batch_index; i < service->batch_count; i++) {
        service->batch[i] = service->batch[i + 1];
        service->deliveries[i] = service->deliveries[i + 1];
        service->batch[i]->batch_index = i;
    }
}

void exchange_completed(void *cls, struct MHD_Connection *connection, void **state,
                        enum MHD_RequestTerminationCode code) {
    struct service *service = cls;
    struct exchange *exchange = *state;
    (void)connection;
    (void)code;
    if (!exchange) {
        return;
    }
    *state = NULL;
    if (exchange->stage == EXCHANGE_BATCHED) {
        drop_from_batch(exchange);
    }
    source_result_release(&exchange->pushed);
    answer_release(&exchange->answer);
    body_clear(&exchange->body);
    snapshot_drop(TAKE(exchange->snapshot));
    if (exchange->counted) {
        exchange->counted = false;
        service->open--;
    }
    exchange->claimed = exchange->sender = NULL;
    exchange->proven = exchange->keys_awaited = false;
    exchange->awaits_push = exchange->awaited_push = false;
    exchange->stage = EXCHANGE_IDLE;
    exchange->answered = true;
    exchange->place.pinned = false;
    if (exchange->behind_proxy) {
        places_move(&service->places, &exchange->place, NULL, service->boot_ms);
    }
    exchange_arm(exchange, wire_expects(&exchange->wire) ? EXCHANGE_HEADER : EXCHANGE_REST);
}

static const char *header_value(void *context, const char *name) {
    return framing_value(context, name);
}

static struct authentication_request request_of(struct exchange *exchange,
                                                const struct body *body) {
    return (struct authentication_request){
        .header = header_value,
        .context = &exchange->request,
        .path_token = exchange->path_token,
        .body = body ? body_bytes(body) : "",
        .body_len = body ? body->len : 0,
        .now_ms = exchange->service->now_ms,
        .boot_ms = exchange->service->boot_ms,
        .issuers = exchange->service->issuers,
    };
}

bool exchange_authentic(struct exchange *exchange, const struct sender *sender,
                        const struct body *body, struct authentication_proof *out) {
    const struct authentication_request request = request_of(exchange, body);
    return authentication_check(sender, &request, out);
}

enum issuers_fetch_result exchange_fetch_keys(struct exchange *exchange,
                                              const struct sender *sender,
                                              const struct body *body) {
    const struct authentication_request request = request_of(exchange, body);
    return authentication_fetch(sender, &request);
}

bool exchange_path_fits(const struct exchange *exchange, const struct sender *sender) {
    return !exchange->path_token || sender->auth == SENDER_URL_TOKEN;
}

void exchange_event(const struct exchange *exchange, const char *what, const char *detail) {
    const struct webhook_backend *backend = &exchange->service->backend;
    const struct peer behind = origin_of(exchange);
    char peer[INET6_ADDRSTRLEN];
    peer_text(&behind, peer);
    const struct webhook_event event = {
        .sender = exchange->claimed ? exchange->claimed->name : NULL,
        .what = what,
        .detail = detail,
        .peer = peer,
    };
    backend->event(backend->context, &event);
}

void exchange_refuse(struct exchange *exchange, unsigned status, const char *message) {
    answer_error(&exchange->answer, status, message, NULL);
}

void exchange_refuse_sender(struct exchange *exchange) {
    exchange_event(exchange, "unauthorized", NULL);
    answer_release(&exchange->answer);
    exchange->answer = exchange->service->unauthorized;
    exchange->answer.shared = true;
}

void exchange_refuse_busy(struct exchange *exchange, const char *why) {
    exchange_event(exchange, "unavailable", why);
    answer_error(&exchange->answer, MHD_HTTP_SERVICE_UNAVAILABLE, why,
                 &(struct answer_options){.retry_ms = EXCHANGE_RETRY_MS});
}

enum MHD_Result exchange_reply(struct exchange *exchange) {
    exchange->stage = EXCHANGE_ANSWERED;
    count(exchange);
    exchange_arm(exchange, EXCHANGE_REST);
    return exchange->answer.response
               ? MHD_queue_response(exchange->connection, exchange->answer.status,
                                    exchange->answer.response)
               : MHD_NO;
}

/* Past libmicrohttpd, which takes no answer in the middle of a body. */
static void answer_past(struct exchange *exchange, unsigned status, const char *message) {
    CLEANUP(buf_release) struct buf text = BUF_INIT(1024);
    bool busy = status == MHD_HTTP_SERVICE_UNAVAILABLE;
    buf_printf(&text,
               "HTTP/1.1 %u %s\r\nConnection: close\r\nContent-Type: application/json\r\n"
               "X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n%s"
               "Content-Length: %zu\r\n\r\n{\"error\":\"%s\"}",
               status, MHD_get_reason_phrase_for(status), busy ? "Retry-After: 5\r\n" : "",
               strlen(message) + strlen("{\"error\":\"\"}"), message);
    /* No earlier answer is in flight: libmicrohttpd reads a request only after it has written the
     * previous answer. Bytes that the socket does not take at once are lost, as with the following
     * close. */
    if (exchange->service->tls) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(exchange->connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
        if (info) {
            (void)gnutls_record_send(info->tls_session, text.data, text.len);
        }
    } else {
        (void)send(exchange->fd, text.data, text.len, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
}

enum MHD_Result exchange_abort(struct exchange *exchange, unsigned status, const char *message) {
    answer_past(exchange, status, message);
    return MHD_NO;
}

void exchange_let_go(struct exchange *exchange, unsigned status, const char *message) {
    if (exchange->stage == EXCHANGE_RECEIVING && status > 0) {
        answer_past(exchange, status, message);
    }
    exchange->gone = true;
    body_discard(&exchange->body);
    deadline_disarm(&exchange->deadline);
    /* libmicrohttpd sees the end of the stream in its next run, and closes the connection. */
    (void)shutdown(exchange->fd, SHUT_RDWR);
}

/* Suspends the exchange without a deadline; the answer must be set before exchange_resume. */
static void suspend(struct exchange *exchange) {
    exchange->stage = EXCHANGE_SUSPENDED;
    exchange->place.pinned = true;
    count(exchange);
    deadline_disarm(&exchange->deadline);
    MHD_suspend_connection(exchange->connection);
}

void exchange_resume(struct exchange *exchange) {
    exchange_leave_batch(exchange);
    MHD_resume_connection(exchange->connection);
}

void exchange_retry(struct exchange *exchange) {
    exchange_resume(exchange);
    exchange->stage = EXCHANGE_RECEIVING;
}

void exchange_enter_waiting(struct exchange *exchange, enum exchange_wait wait) {
    struct service *service = exchange->service;
    exchange->waits = true;
    exchange->wait = wait;
    exchange->previous_waiting = NULL;
    exchange->next_waiting = service->waiting;
    if (service->waiting) {
        service->waiting->previous_waiting = exchange;
    }
    service->waiting = exchange;
    service->waiting_count[wait]++;
    suspend(exchange);
}

void exchange_leave_waiting(struct exchange *exchange) {
    struct service *service = exchange->service;
    exchange->waits = false;
    if (exchange->previous_waiting) {
        exchange->previous_waiting->next_waiting = exchange->next_waiting;
    } else {
        service->waiting = exchange->next_waiting;
    }
    if (exchange->next_waiting) {
        exchange->next_waiting->previous_waiting = exchange->previous_waiting;
    }
    service->waiting_count[exchange->wait]--;
}

void exchange_enter_batch(struct exchange *exchange) {
    struct service *service = exchange->service;
    exchange->stage = EXCHANGE_BATCHED;
    exchange->place.pinned = true;
    count(exchange);
    deadline_disarm(&exchange->deadline);
    exchange->batch_index = service->batch_count;
    service->batch[service->batch_count] = exchange;
    service->deliveries[service->batch_count] = &exchange->delivery;
    service->batch_count++;
}

void exchange_leave_batch(struct exchange *exchange) {
    exchange->stage = EXCHANGE_ANSWERED;
    exchange->place.pinned = false;
    exchange->service->run_again = true;
    exchange_arm(exchange, EXCHANGE_REST);
}
