/* Exchanges: owns each connection's memory, deadline, and suspension. Never interprets a
 * request. */
#include "webhook/exchange.h"

#include <gnutls/gnutls.h>
#include <sys/socket.h>

#include "webhook/intercept.h"

static void arm(struct exchange *exchange) {
    struct service *service = exchange->service;
    deadline_arm(&service->deadlines, &exchange->deadline,
                 service->boot_ms + service->limits.request_ms);
}

struct exchange *exchange_of(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
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
        exchange->service = service;
        exchange->connection = connection;
        exchange->fd = info->connect_fd;
        info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
        exchange->peer = peer_of(info ? info->client_addr : NULL);
        exchange->next_open = service->opened;
        if (service->opened) {
            service->opened->previous_open = exchange;
        }
        service->opened = exchange;
        arm(exchange);
    }
    return exchange;
}

enum MHD_Result exchange_accept(void *cls, const struct sockaddr *address, socklen_t length) {
    const struct service *service = cls;
    const struct peer peer = peer_of(address);
    unsigned count = 0;
    (void)length;
    if (peer_trusted(&peer, service->snapshot->senders.proxies)) {
        return MHD_YES;
    }
    for (const struct exchange *other = service->opened; other; other = other->next_open) {
        count += peer_equal(&peer, &other->peer) ? 1 : 0;
    }
    return count < service->limits.connections_per_ip ? MHD_YES : MHD_NO;
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

void exchange_connected(void *cls, struct MHD_Connection *connection, void **socket_context,
                        enum MHD_ConnectionNotificationCode code) {
    struct service *service = cls;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        *socket_context = exchange_new(service, connection);
        return;
    }
    struct exchange *exchange = *socket_context;
    *socket_context = NULL;
    /* At its connection limit, libmicrohttpd listens again only in the run after a close. */
    service->run_again = true;
    if (exchange) {
        deadline_disarm(&service->deadlines, &exchange->deadline);
        unlink_open(exchange);
        intercept_leave(exchange->fd);
        wire_release(&exchange->wire);
        body_release(&exchange->body, &service->memory);
        free(exchange);
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
    body_clear(&exchange->body, &service->memory);
    snapshot_drop(TAKE(exchange->snapshot));
    if (exchange->counted) {
        exchange->counted = false;
        service->open--;
    }
    exchange->claimed = exchange->sender = NULL;
    exchange->proven = exchange->keys_awaited = false;
    exchange->awaits_push = exchange->awaited_push = false;
    exchange->stage = EXCHANGE_IDLE;
    arm(exchange);
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
        .body = body && body->len > 0 ? body->bytes : "",
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
    const struct peer_networks *proxies = exchange->service->snapshot->senders.proxies;
    struct peer behind =
        peer_behind(&exchange->peer, framing_last(&exchange->request, "X-Forwarded-For"), proxies);
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
    arm(exchange);
    return exchange->answer.response
               ? MHD_queue_response(exchange->connection, exchange->answer.status,
                                    exchange->answer.response)
               : MHD_NO;
}

enum MHD_Result exchange_abort(struct exchange *exchange, unsigned status, const char *message) {
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
    return MHD_NO;
}

/* Suspends the exchange without a deadline; the answer must be set before exchange_resume. */
static void suspend(struct exchange *exchange) {
    exchange->stage = EXCHANGE_SUSPENDED;
    count(exchange);
    deadline_disarm(&exchange->service->deadlines, &exchange->deadline);
    MHD_suspend_connection(exchange->connection);
}

void exchange_resume(struct exchange *exchange) {
    exchange->stage = EXCHANGE_ANSWERED;
    exchange->service->run_again = true;
    arm(exchange);
    MHD_resume_connection(exchange->connection);
}

void exchange_retry(struct exchange *exchange) {
    exchange_resume(exchange);
    exchange->stage = EXCHANGE_RECEIVING;
}

void exchange_enter_waiting(struct exchange *exchange) {
    struct service *service = exchange->service;
    exchange->waits = true;
    exchange->previous_waiting = NULL;
    exchange->next_waiting = service->waiting;
    if (service->waiting) {
        service->waiting->previous_waiting = exchange;
    }
    service->waiting = exchange;
    service->waiting_count++;
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
    service->waiting_count--;
}

void exchange_enter_batch(struct exchange *exchange) {
    struct service *service = exchange->service;
    exchange->stage = EXCHANGE_BATCHED;
    count(exchange);
    deadline_disarm(&service->deadlines, &exchange->deadline);
    exchange->batch_index = service->batch_count;
    service->batch[service->batch_count] = exchange;
    service->deliveries[service->batch_count] = &exchange->delivery;
    service->batch_count++;
}

void exchange_leave_batch(struct exchange *exchange) {
    exchange->stage = EXCHANGE_ANSWERED;
    exchange->service->run_again = true;
    arm(exchange);
}
