/* Messages to the service manager, and the watchdog's timer. */
#include "agent/work/service_manager.h"

#include <sys/timerfd.h>
#include <unistd.h>

int service_manager_timer(const struct service_manager *manager) {
    const int64_t ms = manager->notify.watchdog_ms;
    const struct timespec period = {.tv_sec = (time_t)(ms / 1000),
                                    .tv_nsec = (long)(ms % 1000) * 1000000};
    const struct itimerspec when = {.it_interval = period, .it_value = period};
    /* systemd's watchdog clock: it stops while the machine is suspended. */
    int timer = ms == 0 ? -1 : timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (timer >= 0) {
        (void)timerfd_settime(timer, 0, &when, NULL);
    }
    return timer;
}

void service_manager_due(int timer) {
    uint64_t count = 0;
    (void)!read(timer, &count, sizeof count);
}

void service_manager_init(struct service_manager *manager) {
    *manager = (struct service_manager){.notify = notify_take()};
}

void service_manager_refused(const struct service_manager *manager) {
    (void)notify_send(&manager->notify, "STATUS=The configuration is faulty: landwaiter check");
}

void service_manager_listens(struct service_manager *manager, const char *listen, unsigned port) {
    if (port) {
        (void)snprintf(manager->address, sizeof manager->address, "%s, port %u", listen, port);
    } else {
        (void)snprintf(manager->address, sizeof manager->address, "%s", listen);
    }
}

/* READY=1 and the status line. */
static void say_ready(const struct service_manager *manager, const char *more) {
    char text[2 * SERVICE_MANAGER_TEXT_SIZE];
    (void)snprintf(text, sizeof text, "READY=1\nSTATUS=Answers hooks on %s%s", manager->address,
                   more);
    (void)notify_send(&manager->notify, text);
}

void service_manager_turned(void *context) {
    struct service_manager *manager = context;
    if (manager->ready) {
        (void)notify_send(&manager->notify, "WATCHDOG=1");
        return;
    }
    manager->ready = true;
    say_ready(manager, "");
}

void service_manager_reloading(const struct service_manager *manager) {
    (void)notify_reloading(&manager->notify);
}

void service_manager_reloaded(const struct service_manager *manager, bool good) {
    say_ready(manager,
              good ? "" : "; the new configuration is faulty, the previous one stays in force");
}

void service_manager_stopping(const struct service_manager *manager) {
    (void)notify_send(&manager->notify, "STOPPING=1\nSTATUS=Stopping");
}
