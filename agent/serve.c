/* The agent in the foreground: wires the parts together, turns signals and timers into calls, and
 * takes it all down again in order.
 *
 * This thread does no work: it waits for signals, for the time of the next due update, and for the
 * clock to be set. */
#include "agent/serve.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "agent/config/config.h"
#include "agent/config/report.h"
#include "agent/control/server.h"
#include "agent/platforms/table.h"
#include "agent/replicas/replicas.h"
#include "agent/store/store.h"
#include "agent/work/intake.h"
#include "agent/work/service_manager.h"
#include "agent/work/workers.h"
#include "base/clock.h"
#include "base/commit.h"
#include "base/file_watch.h"
#include "base/http.h"
#include "base/log.h"
#include "base/test_clock.h"

/* FILES: something happened beside the certificate. SETTLED: and for a moment nothing more did.
 * WATCHDOG: the service manager wants a sign of life. */
enum serve_fd {
    SERVE_SIGNALS,
    SERVE_REARM,
    SERVE_WALL,
    SERVE_BOOT,
    SERVE_FILES,
    SERVE_SETTLED,
    SERVE_WATCHDOG,
    SERVE_FDS
};

#define SERVE_FAR_MS (INT64_C(365) * 24 * 3600 * 1000)
#define SERVE_SETTLE_NS                                                                            \
    (300 * 1000 * 1000) /* certificate and key are replaced one after the other */

struct serve {
    const struct serve_options *options;
    struct config *config; /* as it was at the start: listen, control and state stay */
    int lock;
    struct store *store; /* this thread's own */
    struct workers *workers;
    struct intake *intake;
    struct control_server *control;
    struct control_server *metrics; /* NULL: at control alone */
    struct replicas *replicas;      /* NULL: there is one */
    int epoll;
    int fds[SERVE_FDS];
    int64_t armed_ms[SERVE_FDS];       /* of the timers: what they are set to; 0: nothing */
    int64_t kicked_ms, kicked_boot_ms; /* when the workers were last told to look, by both clocks */
    struct config *current;            /* as it is now */
    struct stat shown[2];              /* the certificate's files when they were read */
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
    (void)!write(serve->fds[SERVE_REARM], &one, sizeof one);
    replicas_poke(serve->replicas);
}

/* Another replica, or the inbox, wrote into the store. */
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

static bool serve_settled(void *context, struct err *err) {
    struct serve *serve = context;
    return replicas_flush(serve->replicas, err);
}

/* ---- timers ---- */

static void serve_arm_one(struct serve *serve, enum serve_fd which, int flags, int64_t at_ms) {
    struct itimerspec when = {0};
    if (serve->armed_ms[which] == at_ms) {
        return;
    }
    serve->armed_ms[which] = at_ms;
    if (at_ms != INT64_MAX) {
        when.it_value = clock_timespec(at_ms > 0 ? at_ms : 1);
    } else if (flags & TFD_TIMER_CANCEL_ON_SET) {
        /* Nothing is due; a far time keeps the timer telling when the clock is set. */
        when.it_value = clock_timespec(clock_now_ms() + SERVE_FAR_MS);
    }
    (void)timerfd_settime(serve->fds[which], flags, &when, NULL);
}

/* Every time later than the last kick gets a timer, also one that is past by now: between a
 * worker's look and this one it may have come. What was due before the kick was seen by the worker
 * that it woke, or is seen by whoever finishes next. */
static void serve_arm(struct serve *serve) {
    int64_t due = store_next_due(serve->store, serve->kicked_ms);
    int64_t again = workers_next_ms(serve->workers, serve->kicked_boot_ms);
#ifdef LANDWAITER_TEST_HOOKS
    due = test_clock_used() && due != INT64_MAX ? test_clock_real(due) : due;
#endif
    serve_arm_one(serve, SERVE_WALL, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, due);
    serve_arm_one(serve, SERVE_BOOT, TFD_TIMER_ABSTIME, again);
}

static void serve_kick(struct serve *serve) {
    serve->kicked_ms = clock_now_ms();
    serve->kicked_boot_ms = clock_boot_ms();
    workers_kick(serve->workers);
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

/* What each platform has looked at is kept while it is configured. */
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

/* ---- the certificate ---- */

/* Have the files changed since they were read? Notes what they are now. */
static bool serve_files_changed(struct serve *serve) {
    const char *const paths[] = {serve->current->tls_certificate, serve->current->tls_key};
    bool changed = false;
    for (size_t i = 0; i < ARRAY_LENGTH(paths); i++) {
        struct stat now = {0};
        (void)stat(paths[i], &now);
        const struct stat *before = &serve->shown[i];
        changed = changed || now.st_ino != before->st_ino || now.st_dev != before->st_dev ||
                  now.st_size != before->st_size || now.st_mtim.tv_sec != before->st_mtim.tv_sec ||
                  now.st_mtim.tv_nsec != before->st_mtim.tv_nsec;
        serve->shown[i] = now;
    }
    return changed;
}

static void serve_watch(struct serve *serve) {
    const char *const paths[] = {serve->current->tls_certificate, serve->current->tls_key};
    for (size_t i = 0; i < ARRAY_LENGTH(paths); i++) {
        if (!file_watch_add(serve->fds[SERVE_FILES], paths[i])) {
            log_event(LOG_WARNING, "tls.unwatched", "file", paths[i], "reason",
                      "its folder cannot be watched: send SIGHUP when it changes", NULL);
        }
    }
}

/* Before they are read for the first time: whatever changes from here on is seen. */
static void serve_watch_from_now(struct serve *serve) {
    if (serve->current->tls_certificate) {
        serve_watch(serve);
        (void)serve_files_changed(serve);
    }
}

/* Shows what the files hold now, where that is something else. */
static void serve_identity(struct serve *serve) {
    struct err err = ERR_INIT;
    if (!serve->current->tls_certificate || !serve_files_changed(serve)) {
        return;
    }
    if (intake_identity(serve->intake, serve->current, &err)) {
        log_event(LOG_INFO, "tls.reloaded", "file", serve->current->tls_certificate, NULL);
    } else {
        log_event(LOG_ERROR, "tls.refused", "reason", err.message, "advice",
                  "the certificate before is shown on: put a right pair there", NULL);
    }
}

/* What of TLS changed with the configuration. */
static void serve_reload_tls(struct serve *serve) {
    if (!serve->current->tls_certificate != !serve->config->tls_certificate) {
        log_event(LOG_WARNING, "config.restart-needed", "reason",
                  "TLS is switched on or off at the next start", NULL);
    } else if (serve->current->tls_certificate) {
        serve_watch(serve);
        serve_identity(serve);
    }
}

/* Either may be NULL. */
static bool serve_same_text(const char *a, const char *b) {
    return a && b ? strcmp(a, b) == 0 : a == b;
}

/* False: the new configuration is faulty, and the one before stays in force. */
static bool serve_reload(struct serve *serve) {
    CLEANUP(config_release) struct config *config = NULL;
    CLEANUP(config_faults_release) struct config_faults faults = {0};
    const char *path = config_path(serve->options->config_path);
    bool good = config_load(serve->options->config_path, &config, &faults);
    serve_log_faults(path, &faults);
    if (!good) {
        log_event(LOG_ERROR, "config.refused", "file", path, "reason",
                  "it is faulty: the one before stays in force", NULL);
        return false;
    }
    if (strcmp(config->listen, serve->config->listen) != 0 ||
        strcmp(config->control, serve->config->control) != 0 ||
        !serve_same_text(config->metrics, serve->config->metrics) ||
        strcmp(config->state, serve->config->state) != 0) {
        log_event(LOG_WARNING, "config.restart-needed", "reason",
                  "listen, control, metrics and state take effect at the next start", NULL);
        /* The workers and the control API open the store by this path. */
        char *state = strdup(serve->config->state);
        if (!state) {
            return false;
        }
        free(config->state);
        config->state = state;
    }
    if (!config_kubernetes_same(&config->kubernetes, &serve->config->kubernetes)) {
        log_event(LOG_WARNING, "config.restart-needed", "reason",
                  "how the cluster is reached, its namespaces and replicas take effect at the next "
                  "start",
                  NULL);
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
    serve_reload_tls(serve);
    /* Other windows, other rules: what waits at the gate is looked at again, and a decision by the
     * old ones that is under way is lost. */
    store_wake_gate(serve->store, STORE_WAKE_ALL);
    workers_kick(serve->workers);
    log_event(LOG_INFO, "config.reloaded", "file", path, NULL);
    return true;
}

/* ---- the loop ---- */

static void serve_signals(struct serve *serve) {
    struct signalfd_siginfo info;
    while (read(serve->fds[SERVE_SIGNALS], &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGHUP) {
            service_manager_reloading(&serve->manager);
            service_manager_reloaded(&serve->manager, serve_reload(serve));
        } else {
            serve->stopping = true;
        }
    }
}

/* The workers first, then the intake, which sends the sign. */
static void serve_watchdog(struct serve *serve) {
    service_manager_due(serve->fds[SERVE_WATCHDOG]);
    if (workers_turn(serve->workers)) {
        intake_ask(serve->intake);
    } else {
        log_event(LOG_ERROR, "workers.stuck", "advice",
                  "the service manager gets no sign of life, and will restart the agent", NULL);
    }
}

static void serve_event(struct serve *serve, enum serve_fd which) {
    uint64_t count = 0;
    switch (which) {
    case SERVE_SIGNALS:
        serve_signals(serve);
        break;
    case SERVE_WALL:
    case SERVE_BOOT:
        if (read(serve->fds[which], &count, sizeof count) < 0 && errno == ECANCELED) {
            /* What waits for a time is worked out anew. */
            log_event(LOG_INFO, "clock.set", NULL);
            store_wake_gate(serve->store, STORE_WAKE_ALL);
        }
        serve->armed_ms[which] = 0;
        serve_kick(serve);
        break;
    case SERVE_REARM:
        (void)!read(serve->fds[which], &count, sizeof count);
        break;
    case SERVE_FILES:
        if (file_watch_read(serve->fds[which])) {
            const struct itimerspec soon = {.it_value.tv_nsec = SERVE_SETTLE_NS};
            (void)timerfd_settime(serve->fds[SERVE_SETTLED], 0, &soon, NULL);
        }
        break;
    case SERVE_SETTLED:
        (void)!read(serve->fds[which], &count, sizeof count);
        serve_identity(serve);
        break;
    case SERVE_WATCHDOG:
        serve_watchdog(serve);
        break;
    case SERVE_FDS:
    default:
        break;
    }
}

#ifdef LANDWAITER_TEST_HOOKS
static int64_t serve_test_offset; /* how the tests' clock was set when it was looked at last */
#endif

/* How long to wait at most. The tests' clock tells nobody when it is set, so it is looked at. */
static int serve_patience(struct serve *serve) {
#ifdef LANDWAITER_TEST_HOOKS
    int64_t now = test_clock_used() ? test_clock_real(0) : 0;
    if (now != serve_test_offset) {
        serve_test_offset = now;
        store_wake_gate(serve->store, STORE_WAKE_ALL);
        serve_kick(serve);
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
        serve_arm(serve);
        struct epoll_event events[SERVE_FDS];
        int count = epoll_wait(serve->epoll, events, SERVE_FDS, patience);
        for (int i = 0; i < count; i++) {
            serve_event(serve, (enum serve_fd)events[i].data.u32);
        }
    }
}

/* ---- starting and stopping ---- */

static bool serve_descriptors(struct serve *serve, const sigset_t *signals, struct err *err) {
    serve->epoll = epoll_create1(EPOLL_CLOEXEC);
    serve->fds[SERVE_SIGNALS] = signalfd(-1, signals, SFD_NONBLOCK | SFD_CLOEXEC);
    serve->fds[SERVE_REARM] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    serve->fds[SERVE_WALL] = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    serve->fds[SERVE_BOOT] = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    serve->fds[SERVE_FILES] = file_watch_open();
    serve->fds[SERVE_SETTLED] = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    serve->fds[SERVE_WATCHDOG] = service_manager_timer(&serve->manager);
    for (uint32_t i = 0; i < SERVE_FDS; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};
        if (i == SERVE_WATCHDOG && serve->fds[i] < 0) {
            continue; /* none is wanted */
        }
        if (epoll_ctl(serve->epoll, EPOLL_CTL_ADD, serve->fds[i], &event) != 0) {
            return err_set(err, ERR_BUG, "cannot wait for events: %s", strerror(errno));
        }
    }
    return true;
}

static bool serve_state(struct serve *serve, struct err *err) {
    const struct config *config = serve->config;
    /* First the lock: opening brings the schema up to date, under another agent's feet otherwise.
     */
    serve->lock = store_lock(config->state, err);
    if (serve->lock < 0 || !store_open(config->state, &serve->store, err)) {
        return false;
    }
#ifdef LANDWAITER_TEST_HOOKS
    serve_test_offset = test_clock_used() ? test_clock_real(0) : 0;
#endif
    /* Who was to wake what waits may have died before. */
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
                                      .settled = serve->replicas ? serve_settled : NULL,
                                      .may_act = serve->replicas ? serve_may_act : NULL,
                                      .context = serve};
    return workers_new(&options, &serve->workers, err);
}

static bool serve_start(struct serve *serve, const sigset_t *signals, struct err *err) {
    if (!http_global_init(err) || !serve_descriptors(serve, signals, err) ||
        !serve_state(serve, err) || !serve_replicas(serve, err) || !serve_workers(serve, err)) {
        return false;
    }
    serve_watch_from_now(serve);
    /* The intake is made before the workers begin: they wake it. */
    if (!intake_new(serve->config, serve->workers, serve->replicas, &serve->intake, err)) {
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
    /* Its threads wake the intake. */
    replicas_stop(serve->replicas);
    intake_free(serve->intake);
    workers_free(serve->workers);
    replicas_free(serve->replicas);
    store_free(serve->store);
    for (size_t i = 0; i < SERVE_FDS; i++) {
        (void)close(serve->fds[i]);
    }
    (void)close(serve->epoll);
    if (serve->lock >= 0) {
        (void)close(serve->lock);
    }
}

/* Hooks are answered as soon as the intake has turned once, and the service manager is told then.
 */
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
    /* Blocked before any thread starts, libcurl's resolver included. */
    (void)sigprocmask(SIG_BLOCK, &signals, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    /* A home server has better use for the memory than an arena for each thread. */
    (void)mallopt(M_ARENA_MAX, 1);
    (void)mallopt(M_TRIM_THRESHOLD, 128 * 1024);

    struct serve serve = {
        .options = options, .lock = -1, .epoll = -1, .fds = {-1, -1, -1, -1, -1, -1, -1}};
    service_manager_init(&serve.manager);
#ifdef LANDWAITER_TEST_HOOKS
    if (options->test_clock) {
        test_clock_use(options->test_clock);
    }
#endif
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
    serve_log_faults(path, &faults);
    serve.config = config;
    serve.current = config_hold(config);
    int status = serve_configured(&serve, &signals);
    config_drop(serve.current);
    return status;
}
