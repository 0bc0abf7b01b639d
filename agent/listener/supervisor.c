/* The listener's process: owns the listening socket, the two sockets to the process, and the frames
 * that each new process gets. */
#include "agent/listener/supervisor.h"

#include <errno.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "agent/listener/keeper.h"
#include "agent/listener/kinds.h"
#include "agent/listener/roster.h"
#include "base/clock.h"
#include "base/thread.h"

#define PAUSE_MS 50 /* before the next process; doubled while they die young */
#define PAUSE_MAX_MS 400
#define PAUSE_LONG_MS 5000 /* when none can be started: memory or processes are short */
#define YOUNG_MS 10000
#define ORDER_TIMEOUT_S 5
#define STOP_MS 6000 /* for the last answers */

struct supervisor {
    struct supervisor_options options;
    struct listener listener;
    bool tls;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* Under the lock: */
    struct buf start, senders; /* the first frames of each process */
    int orders;                /* -1: there is no process */
    bool stopping, ended;
    bool pinged; /* ever: then each new process answers once, when it serves */
    /* Of the thread of supervisor_run, but that supervisor_stop shuts `calls` down: */
    int calls;
    int process; /* a pidfd; -1: none */
    struct buf buffer;
};

bool supervisor_new(const struct supervisor_options *options, struct supervisor **out,
                    struct err *err) {
    struct supervisor *supervisor = calloc(1, sizeof *supervisor);
    if (!supervisor) {
        return err_set(err, ERR_BUG, "out of memory");
    }
    *supervisor = (struct supervisor){.options = *options,
                                      .listener = {.fd = -1},
                                      .tls = options->identity != NULL,
                                      .start = FRAME_INIT,
                                      .senders = FRAME_INIT,
                                      .orders = -1,
                                      .calls = -1,
                                      .process = -1,
                                      .buffer = FRAME_INIT};
    (void)pthread_mutex_init(&supervisor->lock, NULL);
    thread_condition_init(&supervisor->changed);
    supervisor_identity(supervisor, options->identity);
    if (!listener_open(options->listen, &supervisor->listener, err)) {
        supervisor_free(supervisor);
        return false;
    }
    *out = supervisor;
    return true;
}

void supervisor_free(struct supervisor *supervisor) {
    if (!supervisor) {
        return;
    }
    own_close(&supervisor->listener.fd);
    if (supervisor->listener.path[0]) {
        (void)unlink(supervisor->listener.path);
    }
    own_close(&supervisor->orders);
    own_close(&supervisor->calls);
    own_close(&supervisor->process);
    buf_wipe(&supervisor->start);
    buf_wipe(&supervisor->senders);
    buf_release(&supervisor->buffer);
    (void)pthread_mutex_destroy(&supervisor->lock);
    (void)pthread_cond_destroy(&supervisor->changed);
    free(supervisor);
}

unsigned supervisor_port(const struct supervisor *supervisor) {
    return supervisor->listener.port;
}

/* ---- orders ---- */

/* The lock must be held. A process that does not take an order is given up. */
static void order(struct supervisor *supervisor, struct buf *frame) {
    if (supervisor->orders >= 0 && !frame_send(supervisor->orders, frame)) {
        (void)shutdown(supervisor->orders, SHUT_RDWR);
    }
}

static void order_simply(struct supervisor *supervisor, enum order_kind kind) {
    CLEANUP(buf_release) struct buf frame = BUF_INIT(64);
    frame_begin(&frame, kind);
    thread_lock(&supervisor->lock);
    order(supervisor, &frame);
    thread_unlock(&supervisor->lock);
}

static void put_identity(struct buf *frame, const struct identity_files *identity) {
    frame_put_bytes(frame, identity ? identity->certificate.bytes : (const unsigned char *)"",
                    identity ? identity->certificate.len : 0);
    frame_put_bytes(frame, identity ? identity->key.bytes : (const unsigned char *)"",
                    identity ? identity->key.len : 0);
}

void supervisor_identity(struct supervisor *supervisor, const struct identity_files *identity) {
    CLEANUP(buf_wipe) struct buf frame = FRAME_INIT;
    frame_begin(&frame, ORDER_IDENTITY);
    put_identity(&frame, identity);
    thread_lock(&supervisor->lock);
    frame_begin(&supervisor->start, ORDER_START);
    frame_put_int(&supervisor->start, supervisor->tls);
    put_identity(&supervisor->start, identity);
    order(supervisor, &frame);
    thread_unlock(&supervisor->lock);
}

void supervisor_senders(struct supervisor *supervisor, const struct sender_set *senders,
                        const struct peer_networks *proxies) {
    thread_lock(&supervisor->lock);
    frame_begin(&supervisor->senders, ORDER_SENDERS);
    roster_put(&supervisor->senders, senders, proxies);
    order(supervisor, &supervisor->senders);
    thread_unlock(&supervisor->lock);
}

void supervisor_wake(struct supervisor *supervisor) {
    order_simply(supervisor, ORDER_WAKE);
}

void supervisor_ping(struct supervisor *supervisor) {
    thread_lock(&supervisor->lock);
    supervisor->pinged = true;
    thread_unlock(&supervisor->lock);
    order_simply(supervisor, ORDER_PING);
}

/* ---- its life ---- */

static bool make_pair(int ends[2]) {
    const struct timeval timeout = {.tv_sec = ORDER_TIMEOUT_S};
    return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0 &&
           setsockopt(ends[0], SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout) == 0;
}

static bool start(struct supervisor *supervisor) {
    int calls[2] = {-1, -1};
    int orders[2] = {-1, -1};
    const bool paired = make_pair(calls) && make_pair(orders);
    const struct child_sockets sockets = {
        .calls = calls[1], .orders = orders[1], .listening = supervisor->listener.fd};
    const bool forked =
        paired && keeper_fork(supervisor->options.keeper, &sockets, &supervisor->process);
    own_close(&calls[1]);
    own_close(&orders[1]);
    if (!forked) {
        own_close(&calls[0]);
        own_close(&orders[0]);
        return false;
    }
    thread_lock(&supervisor->lock);
    supervisor->calls = calls[0];
    supervisor->orders = orders[0];
    order(supervisor, &supervisor->start);
    order(supervisor, &supervisor->senders);
    const bool pinged = supervisor->pinged;
    thread_unlock(&supervisor->lock);
    if (pinged) {
        order_simply(supervisor, ORDER_PING);
    }
    return true;
}

static void forget(struct supervisor *supervisor) {
    thread_lock(&supervisor->lock);
    own_close(&supervisor->calls);
    own_close(&supervisor->orders);
    thread_unlock(&supervisor->lock);
}

/* False: the agent stops. */
static bool pause_ms(struct supervisor *supervisor, int64_t ms) {
    const struct timespec until = thread_after(ms);
    thread_lock(&supervisor->lock);
    bool in_time = true;
    while (in_time && !supervisor->stopping) {
        in_time = thread_wait_until(&supervisor->changed, &supervisor->lock, &until);
    }
    const bool goes_on = !supervisor->stopping;
    thread_unlock(&supervisor->lock);
    return goes_on;
}

static bool is_stopping(struct supervisor *supervisor) {
    thread_lock(&supervisor->lock);
    const bool stopping = supervisor->stopping;
    thread_unlock(&supervisor->lock);
    return stopping;
}

/* One process, from its start to its end. False: none could be started. */
static bool live(struct supervisor *supervisor) {
    if (!start(supervisor)) {
        return false;
    }
    while (calls_serve(supervisor->calls, supervisor->options.service, &supervisor->buffer)) {
    }
    if (supervisor->process >= 0) { /* it may have broken the form, and go on */
        (void)pidfd_send_signal(supervisor->process, SIGKILL, NULL, 0);
    }
    own_close(&supervisor->process);
    forget(supervisor);
    return true;
}

void supervisor_run(struct supervisor *supervisor) {
    int64_t wait_ms = PAUSE_MS;
    bool goes_on = true;
    while (goes_on && !is_stopping(supervisor)) {
        const int64_t began_ms = clock_boot_ms();
        const bool lived = live(supervisor);
        if (is_stopping(supervisor)) {
            break;
        }
        supervisor->options.ended(supervisor->options.context,
                                  lived ? "it has ended" : "none can be started");
        wait_ms = clock_boot_ms() - began_ms > YOUNG_MS ? PAUSE_MS : wait_ms;
        goes_on = pause_ms(supervisor, lived ? wait_ms : PAUSE_LONG_MS);
        wait_ms = 2 * wait_ms < PAUSE_MAX_MS ? 2 * wait_ms : PAUSE_MAX_MS;
    }
    thread_lock(&supervisor->lock);
    supervisor->ended = true;
    thread_broadcast(&supervisor->changed);
    thread_unlock(&supervisor->lock);
}

void supervisor_stop(struct supervisor *supervisor) {
    CLEANUP(buf_release) struct buf frame = BUF_INIT(64);
    const struct timespec until = thread_after(STOP_MS);
    frame_begin(&frame, ORDER_STOP);
    thread_lock(&supervisor->lock);
    supervisor->stopping = true;
    order(supervisor, &frame);
    thread_broadcast(&supervisor->changed);
    bool in_time = true;
    while (in_time && !supervisor->ended) {
        in_time = thread_wait_until(&supervisor->changed, &supervisor->lock, &until);
    }
    if (!supervisor->ended && supervisor->calls >= 0) {
        (void)shutdown(supervisor->calls, SHUT_RDWR);
    }
    thread_unlock(&supervisor->lock);
}
