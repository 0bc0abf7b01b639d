/* The agent in the foreground: wires the parts together, turns signals and timers into calls, and
 * stops the parts in order. The main thread only waits for signals and timers; it does no work. */
#include "agent/serve.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "agent/config/config.h"
#include "agent/config/report.h"
#include "agent/control/server.h"
#include "agent/listener/confine.h"
#include "agent/listener/keeper.h"
#include "agent/platforms/table.h"
#include "agent/replicas/replicas.h"
#include "agent/store/store.h"
#include "agent/work/certificate.h"
#include "agent/work/intake.h"
#include "agent/work/service_manager.h"
#include "agent/work/timers.h"
#include "agent/work/workers.h"
#include "base/clock.h"
#include "base/commit.h"
#include "base/http.h"
#include "base/log.h"
#include "base/test_clock.h"

enum serve_event {
    SERVE_SIGNALS,
    SERVE_REARM,    /* another thread: the time of the next work may have changed */
    SERVE_WALL,     /* timers.h */
    SERVE_BOOT,     /* timers.h */
    SERVE_FILES,    /* certificate.h */
    SERVE_QUIET,    /* certificate.h */
    SERVE_WATCHDOG, /* the service manager wants a sign of life */
    SERVE_EVENTS
};

struct serve {
    const struct serve_options *options;
    struct config *config; /* at the start; its listen, control and state stay in force */
    int lock;
    int keeper;          /* agent/listener/keeper.h */
    struct store *store; /* of the main thread */
    struct workers *workers;
    struct intake *intake;
    struct control_server *control;
    struct control_server *metrics; /* NULL: on the control address only */
    struct replicas *replicas;      /* NULL: single replica */
    int epoll;
    int signals, rearm, watchdog; /* descriptors; watchdog -1: not wanted */
    struct timers timers;
    struct certificate certificate;
    struct config *current; /* in force */
    bool stopping;
    struct service_manager manager;
};

/* ---- called on other threads ---- */

static void serve_changed(void *context) {
    struct serve *serve = context;
    if (serve->intake) {
        intake_wake(serve->intake);
    }
}

static void serve_rearm(void *context) {
    const struct serve *serve = context;
    uint64_t one = 1;
    (void)!write(serve->rearm, &one, sizeof one);
    replicas_poke(serve->replicas);
}

/* Another replica or the inbox wrote to the store. */
static void serve_arrived(void *context) {
    struct serve *serve = context;
    serve_changed(serve);
    workers_kick(serve->workers);
}

static void serve_lead(void *context, bool leads) {
    struct serve *serve = context;
    workers_lead(serve->workers, leads);
}

static void serve_room(void *context, bool room) {
    struct serve *serve = context;
    workers_room(serve->workers, room);
}

static bool serve_replicated(void *context, struct err *err) {
    struct serve *serve = context;
    return replicas_flush(serve->replicas, err);
}

/* ---- reload ---- */

static void serve_log_faults(const char *path, const struct config_faults *faults) {
    for (size_t i = 0; i < faults->count; i++) {
        const struct config_fault *fault = &faults->items[i];
        char place[64];
        (void)snprintf(place, sizeof place, "%d:%d", fault->line, fault->column);
        log_event(fault->warning ? LOG_WARNING : LOG_ERROR, "config.fault", "file", path, "place",
                  place, "message", fault->message, NULL);
    }
}

/* Keeps the watermarks of the configured platforms, and drops those of the others. */
static bool serve_platforms(struct serve *serve, const struct config *config, struct err *err) {
    for (size_t i = 0; platform_table[i]; i++) {
        const struct platform *platform = platform_table[i];
        bool kept = platform->configured(config)
                        ? store_platform_begin(serve->store, platform->name, err)
                        : store_platform_end(serve->store, platform->name, err);
        if (!kept) {
            return false;
        }
    }
    return true;
}

/* Either may be NULL. */
static bool serve_same_text(const char *a, const char *b) {
    return a && b ? strcmp(a, b) == 0 : a == b;
}

/* Warns of changes that need a restart. */
static void serve_warn(const struct config *start, const struct config *now) {
    if (strcmp(now->listen, start->listen) != 0 || strcmp(now->control, start->control) != 0 ||
        !serve_same_text(now->metrics, start->metrics) || strcmp(now->state, start->state) != 0) {
        log_event(LOG_WARNING, "config.restart-needed", "reason",
                  "listen, control, metrics and state take effect at the next start", NULL);
    }
    if (!config_kubernetes_same(&now->kubernetes, &start->kubernetes)) {
        log_event(LOG_WARNING, "config.restart-needed", "reason",
                  "how the cluster is reached, its namespaces and replicas take effect at the next "
                  "start",
                  NULL);
    }
    if (!now->tls_certificate != !start->tls_certificate) {
        log_event(LOG_WARNING, "config.restart-needed", "reason",
                  "TLS is switched on or off at the next start", NULL);
    }
}

/* The workers and the control API open the store by this path. */
static bool serve_keep_state(const struct config *start, struct config *now) {
    char *state = strdup(start->state);
    if (state) {
        free(now->state);
        now->state = state;
    }
    return state != NULL;
}

/* False: the new configuration has faults, and the previous one stays in force. */
static bool serve_reload(struct serve *serve) {
    CLEANUP(config_release) struct config *config = NULL;
    CLEANUP(config_faults_release) struct config_faults faults = {0};
    const char *path = config_path(serve->options->config_path);
    bool good = config_load(serve->options->config_path, &config, &faults);
    serve_log_faults(path, &faults);
    if (!good) {
        log_event(LOG_ERROR, "config.refused", "file", path, "reason",
                  "it has faults: the previous configuration stays in force", NULL);
        return false;
    }
    serve_warn(serve->config, config);
    if (!serve_keep_state(serve->config, config)) {
        return false;
    }
    struct err err = ERR_INIT;
    if (!serve_platforms(serve, config, &err)) {
        log_event(LOG_ERROR, "store.failed", "reason", err.message, NULL);
    }
    log_configure(config->log_level, config->log_format);
    intake_reload(serve->intake, config);
    workers_reload(serve->workers, config);
    config_drop(serve->current);
    serve->current = config_hold(config);
    if (!config->tls_certificate == !serve->config->tls_certificate) {
        certificate_reload(&serve->certificate, serve->intake, config);
    }
    /* Windows and rules may have changed: wakes all updates at the gate. This also discards
     * decisions that are being made by the old ones. */
    store_wake_gate(serve->store, STORE_WAKE_ALL);
    workers_kick(serve->workers);
    log_event(LOG_INFO, "config.reloaded", "file", path, NULL);
    return true;
}

/* ---- the loop ---- */

static void serve_signals(struct serve *serve) {
    struct signalfd_siginfo info;
    while (read(serve->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGHUP) {
            service_manager_reloading(&serve->manager);
            service_manager_reloaded(&serve->manager, serve_reload(serve));
        } else {
            serve->stopping = true;
        }
    }
}

/* Checks the workers; the intake then sends the sign of life. */
static void serve_watchdog(struct serve *serve) {
    service_manager_due(serve->watchdog);
    if (workers_turn(serve->workers)) {
        intake_ask(serve->intake);
    } else {
        log_event(LOG_ERROR, "workers.stuck", "advice",
                  "the service manager gets no sign of life and will restart the agent", NULL);
    }
}

static void serve_timer(struct serve *serve, enum timer which) {
    if (timers_fired(&serve->timers, which)) {
        log_event(LOG_INFO, "clock.set", NULL);
        /* Wakes updates that wait for a time, to compute it again. */
        store_wake_gate(serve->store, STORE_WAKE_ALL);
    }
    timers_kick(&serve->timers, serve->workers);
}

static void serve_event(struct serve *serve, enum serve_event which) {
    uint64_t count = 0;
    switch (which) {
    case SERVE_SIGNALS:
        serve_signals(serve);
        break;
    case SERVE_WALL:
        serve_timer(serve, TIMER_WALL);
        break;
    case SERVE_BOOT:
        serve_timer(serve, TIMER_BOOT);
        break;
    case SERVE_REARM:
        (void)!read(serve->rearm, &count, sizeof count);
        break;
    case SERVE_FILES:
        certificate_files_changed(&serve->certificate);
        break;
    case SERVE_QUIET:
        certificate_quiet(&serve->certificate, serve->intake, serve->current);
        break;
    case SERVE_WATCHDOG:
        serve_watchdog(serve);
        break;
    case SERVE_EVENTS:
    default:
        break;
    }
}

#ifdef LANDWAITER_TEST_HOOKS
static int64_t serve_test_offset; /* of the tests' clock at the last look */
#endif

/* The limit for one wait, in ms; -1: none. Nothing reports a change of the tests' clock: poll
 * it. */
static int serve_patience(struct serve *serve) {
#ifdef LANDWAITER_TEST_HOOKS
    int64_t now = test_clock_used() ? test_clock_real(0) : 0;
    if (now != serve_test_offset) {
        serve_test_offset = now;
        store_wake_gate(serve->store, STORE_WAKE_ALL);
        timers_kick(&serve->timers, serve->workers);
    }
    return test_clock_used() ? 20 : -1;
#else
    (void)serve;
    return -1;
#endif
}

static void serve_loop(struct serve *serve) {
    while (!serve->stopping) {
        int patience = serve_patience(serve);
        timers_arm(&serve->timers, serve->store, serve->workers);
        struct epoll_event events[SERVE_EVENTS];
        int count = epoll_wait(serve->epoll, events, SERVE_EVENTS, patience);
        for (int i = 0; i < count; i++) {
            serve_event(serve, (enum serve_event)events[i].data.u32);
        }
    }
}

/* ---- starting and stopping ---- */

static bool serve_descriptors(struct serve *serve, const sigset_t *signals, struct err *err) {
    serve->epoll = epoll_create1(EPOLL_CLOEXEC);
    serve->signals = signalfd(-1, signals, SFD_NONBLOCK | SFD_CLOEXEC);
    serve->rearm = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    timers_init(&serve->timers);
    certificate_init(&serve->certificate);
    serve->watchdog = service_manager_timer(&serve->manager);
    const int fds[SERVE_EVENTS] = {[SERVE_SIGNALS] = serve->signals,
                                   [SERVE_REARM] = serve->rearm,
                                   [SERVE_WALL] = serve->timers.fds[TIMER_WALL],
                                   [SERVE_BOOT] = serve->timers.fds[TIMER_BOOT],
                                   [SERVE_FILES] = serve->certificate.files,
                                   [SERVE_QUIET] = serve->certificate.quiet,
                                   [SERVE_WATCHDOG] = serve->watchdog};
    for (uint32_t i = 0; i < SERVE_EVENTS; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};
        if (i == SERVE_WATCHDOG && fds[i] < 0) {
            continue; /* not wanted */
        }
        if (epoll_ctl(serve->epoll, EPOLL_CTL_ADD, fds[i], &event) != 0) {
            return err_set(err, ERR_BUG, "cannot wait for events: %s", strerror(errno));
        }
    }
    return true;
}

static bool serve_state(struct serve *serve, struct err *err) {
    const struct config *config = serve->config;
    /* Lock first: opening migrates the schema, which another agent may be using. */
    serve->lock = store_lock(config->state, err);
    if (serve->lock < 0 || !store_open(config->state, &serve->store, err)) {
        return false;
    }
#ifdef LANDWAITER_TEST_HOOKS
    serve_test_offset = test_clock_used() ? test_clock_real(0) : 0;
#endif
    /* The agent may have died before it woke waiting updates. */
    store_wake_gate(serve->store, STORE_WAKE_ALL);
    return serve_platforms(serve, config, err);
}

static bool serve_may_act(void *context) {
    const struct serve *serve = context;
    return replicas_may_act(serve->replicas);
}

static bool serve_replicas(struct serve *serve, struct err *err) {
    struct replicas_options options = {.config = serve->config,
                                       .changed = serve_arrived,
                                       .lead = serve_lead,
                                       .room = serve_room,
                                       .context = serve};
    return replicas_new(&options, serve->store, &serve->replicas, err);
}

static bool serve_workers(struct serve *serve, struct err *err) {
    struct workers_options options = {.config = serve->config,
                                      .changed = serve_changed,
                                      .rearm = serve_rearm,
                                      .replicated = serve->replicas ? serve_replicated : NULL,
                                      .may_act = serve->replicas ? serve_may_act : NULL,
                                      .context = serve};
    return workers_new(&options, &serve->workers, err);
}

static bool serve_start(struct serve *serve, const sigset_t *signals, struct err *err) {
    if (!http_global_init(err) || !serve_descriptors(serve, signals, err) ||
        !serve_state(serve, err) || !serve_replicas(serve, err) || !serve_workers(serve, err)) {
        return false;
    }
    certificate_watch(&serve->certificate, serve->config);
    /* Make the intake before the workers start: they wake it. */
    const struct intake_options intake = {.keeper = serve->keeper,
                                          .config = serve->config,
                                          .workers = serve->workers,
                                          .replicas = serve->replicas};
    if (!intake_new(&intake, &serve->intake, err)) {
        return false;
    }
    service_manager_listens(&serve->manager, serve->config->listen, intake_port(serve->intake));
    intake_on_turn(serve->intake, service_manager_turned, &serve->manager);
    return workers_start(serve->workers, err) &&
           control_server_new(serve->config, serve->workers, serve->replicas, &serve->control,
                              err) &&
           (!serve->config->metrics ||
            control_server_metrics(serve->config, serve->workers, &serve->metrics, err)) &&
           replicas_start(serve->replicas, err) && intake_start(serve->intake, err);
}

static void serve_stop(struct serve *serve) {
    if (serve->intake) {
        intake_stop(serve->intake);
    }
    replicas_hurry(serve->replicas);
    control_server_free(serve->metrics);
    control_server_free(serve->control);
    if (serve->workers) {
        workers_stop(serve->workers);
    }
    /* Stop the replicas before the intake: their threads wake it. */
    replicas_stop(serve->replicas);
    intake_free(serve->intake);
    workers_free(serve->workers);
    replicas_free(serve->replicas);
    store_free(serve->store);
    timers_release(&serve->timers);
    certificate_release(&serve->certificate);
    own_close(&serve->signals);
    own_close(&serve->rearm);
    own_close(&serve->watchdog);
    own_close(&serve->epoll);
    own_close(&serve->lock);
    own_close(&serve->keeper);
}

/* The service manager learns of the start after the first turn of the intake, which answers hooks
 * from then on. */
static void serve_started(struct serve *serve) {
    char port[16];
    (void)snprintf(port, sizeof port, "%u", intake_port(serve->intake));
    log_event(LOG_INFO, "agent.started", "version", LANDWAITER_VERSION, "commit", commit_id,
              "listen", serve->config->listen, "port", port, "control", serve->config->control,
              "state", serve->config->state, NULL);
    intake_ask(serve->intake);
}

static int serve_configured(struct serve *serve, const sigset_t *signals) {
    struct err err = ERR_INIT;
    int status = 0;
    if (serve_start(serve, signals, &err)) {
        serve_started(serve);
        serve_loop(serve);
        log_event(LOG_INFO, "agent.stopping", NULL);
        service_manager_stopping(&serve->manager);
    } else {
        (void)fprintf(stderr, "landwaiter: cannot start: %s\n", err.message);
        status = err.kind == ERR_INVALID ? 2 : 1;
    }
    serve_stop(serve);
    return status;
}

int serve_run(const struct serve_options *options) {
    sigset_t signals;
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    (void)sigaddset(&signals, SIGHUP);
    /* Block them before any thread starts, libcurl's resolver included. */
    (void)sigprocmask(SIG_BLOCK, &signals, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    /* One arena for all threads saves memory on a home server. */
    (void)mallopt(M_ARENA_MAX, 1);
    (void)mallopt(M_TRIM_THRESHOLD, 128 * 1024);

    struct serve serve = {.options = options,
                          .lock = -1,
                          .keeper = -1,
                          .epoll = -1,
                          .signals = -1,
                          .rearm = -1,
                          .watchdog = -1,
                          .timers.fds = {-1, -1},
                          .certificate = {.files = -1, .quiet = -1}};
    service_manager_init(&serve.manager);
#ifdef LANDWAITER_TEST_HOOKS
    if (options->test_clock) {
        test_clock_use(options->test_clock);
    }
#endif
    struct err err = ERR_INIT;
    /* Before the agent has a secret or a thread. */
    serve.keeper = keeper_start(&err);
    if (serve.keeper < 0) {
        (void)fprintf(stderr, "landwaiter: cannot start: %s\n", err.message);
        return 1;
    }
    confine_agent();
    CLEANUP(config_release) struct config *config = NULL;
    CLEANUP(config_faults_release) struct config_faults faults = {0};
    const char *path = config_path(options->config_path);
    bool good = config_load(options->config_path, &config, &faults);
    if (!good) {
        config_report(path, &faults, stderr);
        service_manager_refused(&serve.manager);
        return 2;
    }
    log_configure(config->log_level, config->log_format);
    if (!log_start()) {
        log_event(LOG_WARNING, "log.thread", "reason",
                  "the log's thread cannot be started: a log that nobody reads will stop the agent",
                  NULL);
    }
    serve_log_faults(path, &faults);
    serve.config = config;
    serve.current = config_hold(config);
    int status = serve_configured(&serve, &signals);
    config_drop(serve.current);
    log_stop();
    return status;
}
