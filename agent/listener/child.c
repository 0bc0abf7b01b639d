/* The listener's process: turns orders into calls of the server. Owns the thread that reads them. */
#include "agent/listener/child.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/listener/calls.h"
#include "agent/listener/confine.h"
#include "agent/listener/kinds.h"
#include "agent/listener/roster.h"
#include "base/clock.h"
#include "base/http.h"
#include "base/memory.h"
#include "base/test_clock.h"
#include "base/thread.h"

#define ORDERS_STACK ((size_t)128 * 1024)

struct child {
    int orders;
    struct buf frame; /* of the thread that reads orders */
    struct calls calls;
    struct webhook_server *server;
};

/* ---- orders ---- */

static void drop_roster(void *hold) {
    roster_free(hold);
}

static void adopt_senders(struct child *child, struct frame *order) {
    struct roster *roster = roster_take(order);
    if (!roster) {
        _exit(1); /* out of memory: another process may have more */
    }
    webhook_server_senders(child->server, &(struct webhook_senders){.set = &roster->senders,
                                                                    .proxies = &roster->proxies,
                                                                    .hold = roster,
                                                                    .release = drop_roster});
}

/* NULL: none is in the frame. */
static struct identity *take_identity(struct frame *order) {
    CLEANUP(identity_files_release)
    struct identity_files files = {.certificate_path = "certificate", .key_path = "key"};
    struct identity *identity = NULL;
    struct err ignored = ERR_INIT;
    size_t certificate_len = 0;
    size_t key_len = 0;
    const void *certificate = frame_bytes(order, &certificate_len);
    const void *key = frame_bytes(order, &key_len);
    bool good = certificate_len > 0 && key_len > 0 &&
                secret_set(&files.certificate, certificate, certificate_len, &ignored) &&
                secret_set(&files.key, key, key_len, &ignored) &&
                identity_parse(&files, &identity, &ignored);
    return good ? identity : NULL;
}

/* False: the process is to end. */
static bool obey(struct child *child, struct frame *order) {
    struct identity *identity = NULL;
    switch (order->kind) {
    case ORDER_SENDERS:
        adopt_senders(child, order);
        return true;
    case ORDER_IDENTITY:
        identity = take_identity(order);
        if (identity) {
            webhook_server_identity(child->server, identity);
        }
        return true;
    case ORDER_WAKE:
        webhook_server_wake(child->server);
        return true;
    case ORDER_PING:
        webhook_server_ping(child->server);
        return true;
    default:
        return false;
    }
}

static void *read_orders(void *argument) {
    struct child *child = argument;
    struct frame order;
    (void)pthread_setname_np(pthread_self(), "orders");
    while (frame_receive(child->orders, &child->frame, &order) && obey(child, &order)) {
        buf_wipe(&child->frame);
    }
    webhook_server_stop(child->server);
    return NULL;
}

/* ---- the server ---- */

static bool read_file(void *context, const char *path, int64_t *version, struct buf *out) {
    return calls_read_file(context, path, version, out);
}

static void child_idle(void *context) {
    struct calls *calls = context;
    const struct webhook_backend backend = calls_backend(calls);
    backend.idle(calls);
    memory_give_back();
}

/* The first order says whether to use TLS; the senders are the second. */
static bool start(struct child *child, int listening) {
    struct frame order;
    struct err err = ERR_INIT;
    if (!frame_receive(child->orders, &child->frame, &order) || order.kind != ORDER_START) {
        return false;
    }
    struct webhook_options options = {
        .listening = listening, .backend = calls_backend(&child->calls), .read_file = read_file};
    options.backend.idle = child_idle;
    const bool tls = frame_int(&order) == 1;
    options.identity = tls ? take_identity(&order) : NULL;
    buf_wipe(&child->frame);
    return (!tls || options.identity) && webhook_server_new(&options, &child->server, &err) &&
           frame_receive(child->orders, &child->frame, &order) && order.kind == ORDER_SENDERS &&
           obey(child, &order);
}

/* The environment may hold secrets of the agent. */
static void forget_environment(void) {
    static const char *const kept[] = {
        "SSL_CERT_FILE=", "SSL_CERT_DIR=", "HTTPS_PROXY=",          "https_proxy=",
        "NO_PROXY=",      "no_proxy=",     "LANDWAITER_TEST_CLOCK="};
    size_t left = 0;
    for (size_t i = 0; environ && environ[i]; i++) {
        bool keep = false;
        for (size_t k = 0; k < ARRAY_LENGTH(kept); k++) {
            keep = keep || strncmp(environ[i], kept[k], strlen(kept[k])) == 0;
        }
        if (keep) {
            environ[left++] = environ[i];
        } else {
            explicit_bzero(environ[i], strlen(environ[i]));
        }
    }
    if (environ) {
        environ[left] = NULL;
    }
}

/* The tests' clock is a file in a folder of the tests' user. */
static struct confinement confine(void) {
#ifdef LANDWAITER_TEST_HOOKS
    if (test_clock_used()) {
        return (struct confinement){.user = true, .files = true, .syscalls = true};
    }
#endif
    return confine_listener();
}

int child_main(const struct child_sockets *sockets) {
    static struct child child;
    pthread_t thread;
    struct err err = ERR_INIT;
    child = (struct child){.orders = sockets->orders,
                           .frame = FRAME_INIT,
                           .calls = {.fd = sockets->calls, .frame = FRAME_INIT}};
    (void)prctl(PR_SET_NAME, "lw-listener", 0, 0, 0);
    (void)signal(SIGPIPE, SIG_IGN);
    forget_environment();
    if (!http_global_init(&err)) {
        return 1;
    }
    const struct confinement done = confine();
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0); /* a change of user cancels it */
    if (!start(&child, sockets->listening)) {
        return 1;
    }
    frame_begin(&child.calls.frame, CALL_CONFINED);
    frame_put_int(&child.calls.frame, done.user);
    frame_put_int(&child.calls.frame, done.files);
    frame_put_int(&child.calls.frame, done.syscalls);
    if (!frame_send(sockets->calls, &child.calls.frame) ||
        !thread_start(&thread, ORDERS_STACK, read_orders, &child)) {
        return 1;
    }
    webhook_server_run(child.server);
    (void)shutdown(sockets->orders, SHUT_RDWR);
    thread_join(thread); /* it uses the server */
    webhook_server_free(child.server);
    buf_release(&child.frame);
    buf_release(&child.calls.frame);
    return 0;
}
