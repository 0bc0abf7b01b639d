/* The event loop: owns the listening socket, libmicrohttpd's daemon, and the turns (run it, commit
 * deliveries, recheck waiting requests, sleep). Never interprets a request. */
#include "webhook/server.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "webhook/delivery.h"
#include "webhook/exchange.h"
#include "webhook/inquiry.h"
#include "webhook/listener.h"
#include "webhook/reception.h"
#include "webhook/route.h"

/* For the longest request line, and the answer's header; no larger, because libmicrohttpd clears it
 * for each request. */
#define CONNECTION_MEMORY ((size_t)16 * 1024)
#define GATHER_MS 1 /* without another request the batch is complete */
#define GATHER_MAX_MS 2
#define DRAIN_MS 2000 /* for peers that do not read their last answer */
#define DRAIN_STEP_MS 50
#define IDLE_MS 1000
#define OTHER_FILES 256 /* databases, platforms, registries */
#define CONNECTIONS_LEAST 64U

struct webhook_server {
    struct service service;
    struct listener listener;
    struct MHD_Daemon *daemon;
    int epoll, event;
    bool (*read_file)(void *context, const char *path, int64_t *version, struct buf *out);
    size_t last_batch; /* size of the last commit */
    bool active;       /* events arrived since the backend's last `idle` */
    atomic_bool stop, changed, reload, pinged;
    pthread_mutex_t lock;           /* of next */
    struct webhook_senders next;    /* with reload */
    struct identity *next_identity; /* under the lock; NULL: no replacement */
    /* The present one, and the previous one, which a handshake may still use: it ends before two
     * files can change twice. */
    struct identity *identity, *former;
};

static size_t keep_escapes(void *cls, struct MHD_Connection *connection, char *text) {
    (void)cls;
    (void)connection;
    return strlen(text);
}

static int64_t given_or(int64_t given, int64_t usual, int64_t most) {
    return given ? given : usual < most ? usual : most;
}

/* As many connections as wanted, or as the process may have files open beside its other ones. Many
 * systems let a process begin with a soft limit of 1,024 files, and raise it itself. */
static unsigned connections_within(unsigned wanted) {
    const rlim_t files = (rlim_t)wanted + EXCHANGE_SPARE + OTHER_FILES;
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= files) {
        return wanted;
    }
    limit.rlim_cur = limit.rlim_max < files ? limit.rlim_max : files;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    (void)getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur >= files) {
        return wanted;
    }
    const rlim_t rest = EXCHANGE_SPARE + OTHER_FILES;
    const rlim_t fits = limit.rlim_cur > rest ? limit.rlim_cur - rest : 0;
    return fits > CONNECTIONS_LEAST ? (unsigned)fits : CONNECTIONS_LEAST;
}

static void set_limits(struct service *service, const struct webhook_limits *given) {
    struct webhook_limits limits = *given;
    limits.connections = limits.connections ? limits.connections : connections_within(1024);
    limits.connections_per_ip =
        limits.connections_per_ip ? limits.connections_per_ip : (limits.connections + 1) / 2;
    limits.request_ms = limits.request_ms ? limits.request_ms : INT64_C(30) * 1000;
    limits.header_ms = given_or(limits.header_ms, INT64_C(10) * 1000, limits.request_ms);
    limits.body_grace_ms = given_or(limits.body_grace_ms, INT64_C(5) * 1000, limits.request_ms);
    limits.body_look_ms = given_or(limits.body_look_ms, 1000, limits.body_grace_ms);
    limits.body_memory = limits.body_memory ? limits.body_memory : (size_t)32 * 1024 * 1024;
    limits.waiting = limits.waiting ? limits.waiting : 256;
    service->limits = limits;
    service->memory = (struct body_memory){.unproven = {.max = limits.body_memory / 4 * 3},
                                           .proven = {.max = limits.body_memory / 4},
                                           .share = limits.body_memory / 8,
                                           .each = WEBHOOK_BODY_MAX};
}

static bool start_daemon(struct webhook_server *server) {
    struct service *service = &server->service;
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_CERT_CALLBACK, 0, (void *)(uintptr_t)identity_retrieve},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (char[]){IDENTITY_PRIORITIES}},
        {MHD_OPTION_END, 0, NULL},
    };
    service->tls = server->identity != NULL;
    server->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | (service->tls ? MHD_USE_TLS : 0U), 0,
        exchange_accept, service, route_handle, service, MHD_OPTION_ARRAY,
        service->tls ? tls : &tls[ARRAY_LENGTH(tls) - 1], /* certificate */
        MHD_OPTION_LISTEN_SOCKET, server->listener.fd,    /* ours */
        MHD_OPTION_CONNECTION_LIMIT, service->limits.connections + EXCHANGE_SPARE,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY,     /* each */
        MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL,          /* raw paths */
        MHD_OPTION_NOTIFY_CONNECTION, exchange_connected, service, /* begin, end */
        MHD_OPTION_NOTIFY_COMPLETED, exchange_completed, service, MHD_OPTION_END);
    return server->daemon != NULL;
}

static bool watch(const struct webhook_server *server, int fd) {
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    return epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

/* On the thread that fetches keys. */
static void keys_changed(void *context) {
    webhook_server_wake(context);
}

static bool start(struct webhook_server *server) {
    static const struct sender_set no_senders = {0};
    struct service *service = &server->service;
    service->snapshot = snapshot_new(&(struct webhook_senders){.set = &no_senders});
    server->epoll = epoll_create1(EPOLL_CLOEXEC);
    server->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    const size_t most = (size_t)service->limits.connections + EXCHANGE_SPARE;
    service->batch = calloc(most, sizeof(struct exchange *));
    service->deliveries = calloc(most, sizeof(struct webhook_delivery *));
    service->issuers = issuers_new(&(struct issuers_options){.changed = keys_changed,
                                                             .context = server,
                                                             .read_file = server->read_file,
                                                             .files = service->backend.context});
    answer_error(&service->unauthorized, MHD_HTTP_UNAUTHORIZED, "unauthorized", NULL);
    if (server->epoll < 0 || server->event < 0 || !service->snapshot || !service->batch ||
        !service->deliveries || !service->issuers ||
        !places_init(&service->places, service->limits.connections,
                     service->limits.connections_per_ip) ||
        !service->unauthorized.response || !start_daemon(server)) {
        return false;
    }
    server->listener.fd = -1; /* the daemon closes it */
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    return info && watch(server, info->epoll_fd) && watch(server, server->event);
}

bool webhook_server_new(const struct webhook_options *options, struct webhook_server **out,
                        struct err *err) {
    struct webhook_server *server = calloc(1, sizeof *server);
    if (!server) {
        return err_set(err, ERR_BUG, "out of memory");
    }
    server->listener.fd = server->epoll = server->event = -1;
    (void)pthread_mutex_init(&server->lock, NULL);
    server->service.backend = options->backend;
    server->read_file = options->read_file;
    server->identity = options->identity;
    server->service.boot_ms = clock_boot_ms();
    set_limits(&server->service, &options->limits);
    server->listener.fd = options->listen ? -1 : options->listening;
    bool opened = !options->listen || listener_open(options->listen, &server->listener, err);
    if (!opened || !start(server)) {
        webhook_server_free(server);
        return opened ? err_set(err, ERR_BUG, "cannot start the web server: %s", strerror(errno))
                      : false;
    }
    *out = server;
    return true;
}

void webhook_server_free(struct webhook_server *server) {
    if (!server) {
        return;
    }
    struct service *service = &server->service;
    if (server->daemon) {
        MHD_stop_daemon(server->daemon);
    }
    if (server->listener.path[0]) {
        (void)unlink(server->listener.path);
    }
    issuers_free(service->issuers); /* its thread wakes the loop */
    own_close(&server->listener.fd);
    own_close(&server->epoll);
    own_close(&server->event);
    snapshot_drop(service->snapshot);
    if (server->next.release) {
        server->next.release(server->next.hold);
    }
    answer_release(&service->unauthorized);
    rate_release(&service->rate);
    places_release(&service->places);
    free((void *)service->batch);
    free((void *)service->deliveries);
    (void)pthread_mutex_destroy(&server->lock);
    identity_free(server->identity);
    identity_free(server->former);
    identity_free(server->next_identity);
    free(server);
}

unsigned webhook_server_port(const struct webhook_server *server) {
    return server->listener.port;
}

static void wake(struct webhook_server *server) {
    const uint64_t one = 1;
    /* Fails only if the counter is full, and then the loop is awake anyway. */
    ssize_t written = write(server->event, &one, sizeof one);
    (void)written;
}

void webhook_server_stop(struct webhook_server *server) {
    atomic_store(&server->stop, true);
    wake(server);
}

void webhook_server_wake(struct webhook_server *server) {
    atomic_store(&server->changed, true);
    wake(server);
}

void webhook_server_ping(struct webhook_server *server) {
    atomic_store(&server->pinged, true);
    wake(server);
}

void webhook_server_senders(struct webhook_server *server, const struct webhook_senders *senders) {
    (void)pthread_mutex_lock(&server->lock);
    struct webhook_senders unused = server->next;
    server->next = *senders;
    atomic_store(&server->reload, true);
    (void)pthread_mutex_unlock(&server->lock);
    if (unused.release) {
        unused.release(unused.hold);
    }
    wake(server);
}

void webhook_server_identity(struct webhook_server *server, struct identity *identity) {
    (void)pthread_mutex_lock(&server->lock);
    struct identity *unused = server->next_identity;
    server->next_identity = identity;
    atomic_store(&server->reload, true);
    (void)pthread_mutex_unlock(&server->lock);
    identity_free(unused);
    wake(server);
}

static void adopt_identity(struct webhook_server *server) {
    (void)pthread_mutex_lock(&server->lock);
    struct identity *next = TAKE(server->next_identity);
    (void)pthread_mutex_unlock(&server->lock);
    if (next && server->identity) {
        identity_free(server->former);
        server->former = server->identity;
        server->identity = next;
    } else {
        identity_free(next);
    }
    identity_show(server->identity);
}

/* Without memory keeps the old senders, and tries again at the next turn. */
static void adopt_senders(struct webhook_server *server) {
    struct service *service = &server->service;
    if (!atomic_load(&server->reload)) {
        return;
    }
    adopt_identity(server);
    if (!server->next.set) {
        atomic_store(&server->reload, false);
        return;
    }
    struct snapshot *old = NULL;
    (void)pthread_mutex_lock(&server->lock);
    struct snapshot *next =
        rate_adopt(&service->rate, server->next.set) ? snapshot_new(&server->next) : NULL;
    if (next) {
        server->next = (struct webhook_senders){0};
        atomic_store(&server->reload, false);
        old = service->snapshot;
        service->snapshot = next;
    }
    (void)pthread_mutex_unlock(&server->lock);
    snapshot_drop(old);
}

static void close_overdue(struct service *service) {
    for (size_t term = 0; term < EXCHANGE_TERMS; term++) {
        const struct deadline_list *list = &service->deadlines[term];
        while (list->first && list->first->at_ms <= service->boot_ms) {
            reception_overdue((struct exchange *)list->first, (enum exchange_term)term);
        }
    }
}

static void sooner(int64_t *timeout_ms, int64_t other_ms) {
    if (*timeout_ms < 0 || other_ms < *timeout_ms) {
        *timeout_ms = other_ms > 0 ? other_ms : 0;
    }
}

/* -1: only an event brings work, so an idle server never wakes up. */
static int64_t timeout_ms(struct webhook_server *server) {
    const struct service *service = &server->service;
    int64_t timeout = -1;
    MHD_UNSIGNED_LONG_LONG library_ms;
    if (service->run_again) {
        return 0;
    }
    if (MHD_get_timeout(server->daemon, &library_ms) == MHD_YES) {
        sooner(&timeout, library_ms < INT32_MAX ? (int64_t)library_ms : INT32_MAX);
    }
    for (size_t term = 0; term < EXCHANGE_TERMS; term++) {
        const struct deadline *first = service->deadlines[term].first;
        if (first) {
            sooner(&timeout, first->at_ms - service->boot_ms);
        }
    }
    int64_t waiting = inquiry_next_ms(service);
    if (waiting >= 0) {
        sooner(&timeout, waiting - service->boot_ms);
    }
    return timeout < INT32_MAX ? timeout : INT32_MAX;
}

/* Was webhook_server_ping the only reason to wake up? */
static bool only_pinged(struct webhook_server *server) {
    return atomic_load(&server->pinged) && !atomic_load(&server->changed) &&
           !atomic_load(&server->reload);
}

/* False: no event in that time but a ping. */
static bool await_event(struct webhook_server *server, int64_t timeout) {
    struct epoll_event events[2];
    bool happened = false;
    int count = epoll_wait(server->epoll, events, ARRAY_LENGTH(events), (int)timeout);
    for (int i = 0; i < count; i++) {
        if (events[i].data.fd == server->event) {
            uint64_t wakes;
            ssize_t got = read(server->event, &wakes, sizeof wakes);
            (void)got; /* flags hold the reasons */
            happened = happened || !only_pinged(server);
        } else {
            happened = true;
        }
    }
    return happened;
}

static void read_clocks(struct service *service) {
    service->boot_ms = clock_boot_ms();
    service->now_ms = clock_now_ms();
}

/* Clients of the last batch send their next request sooner than a commit takes, and one commit for
 * all is faster for each. So a batch smaller than the last one waits briefly; a single client (1 is
 * not smaller than 1) never waits. */
static void gather(struct webhook_server *server) {
    const struct service *service = &server->service;
    const int64_t until_ms = service->boot_ms + GATHER_MAX_MS;
    while (service->batch_count > 0 && service->batch_count < server->last_batch &&
           clock_boot_ms() < until_ms && await_event(server, GATHER_MS)) {
        (void)MHD_run(server->daemon);
    }
    if (service->batch_count > 0) {
        server->last_batch = service->batch_count;
    }
}

/* One turn of the loop, without the wait. */
static void turn(struct webhook_server *server) {
    struct service *service = &server->service;
    read_clocks(service);
    adopt_senders(server);
    service->run_again = false;
    (void)MHD_run(server->daemon); /* answers the last batch, and collects the next */
    gather(server);
    delivery_commit(service);
    inquiry_review(service,
                   atomic_exchange(&server->changed, false) ? INQUIRY_CHANGED : INQUIRY_OVERDUE);
    close_overdue(service);
    if (atomic_exchange(&server->pinged, false)) {
        service->backend.pong(service->backend.context);
    }
}

static void drain(struct webhook_server *server) {
    struct service *service = &server->service;
    service->stopping = true;
    read_clocks(service);
    const int64_t until_ms = service->boot_ms + DRAIN_MS;
    int listening = MHD_quiesce_daemon(server->daemon);
    own_close(&listening);
    inquiry_review(service, INQUIRY_LAST);
    do {
        turn(server);
        int64_t timeout = timeout_ms(server);
        if (timeout != 0 && service->open > 0) {
            (void)await_event(server,
                              timeout > 0 && timeout < DRAIN_STEP_MS ? timeout : DRAIN_STEP_MS);
        }
    } while (service->run_again || (service->open > 0 && service->boot_ms < until_ms));
}

/* Sleeps until there is work. */
static void sleep_until_work(struct webhook_server *server, int64_t timeout) {
    const struct webhook_backend *backend = &server->service.backend;
    bool pause = server->active && backend->idle && (timeout < 0 || timeout > IDLE_MS);
    if (await_event(server, pause ? IDLE_MS : timeout)) {
        server->active = true;
    } else if (pause) {
        server->active = false;
        backend->idle(backend->context);
    }
}

void webhook_server_run(struct webhook_server *server) {
    server->active = true; /* after the start */
    identity_show(server->identity);
    while (!atomic_load(&server->stop)) {
        turn(server);
        int64_t timeout = timeout_ms(server);
        if (timeout != 0) {
            sleep_until_work(server, timeout);
        }
    }
    drain(server);
}
