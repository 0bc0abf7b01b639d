/* Datagrams of sd_notify(3): opens a socket for each, as they are rare. */
#include "base/notify.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <sys/time.h>
#include <unistd.h>

#define USEC_PER_MS 1000
#define NUMBER_MAX (UINT64_MAX / 10 - 1)

/* Copies the variable's value into out and removes the variable. False: it is missing, empty or
 * too long. */
static bool take_variable(const char *name, char *out, size_t size) {
    const char *value = getenv(name);
    size_t len = value ? strlen(value) : 0;
    bool usable = len > 0 && len < size;
    if (usable) {
        memcpy(out, value, len + 1);
    }
    (void)unsetenv(name);
    return usable;
}

static bool take_number(const char *name, uint64_t *out) {
    char text[24];
    uint64_t value = 0;
    if (!take_variable(name, text, sizeof text)) {
        return false;
    }
    for (const char *digit = text; *digit; digit++) {
        if (*digit < '0' || *digit > '9' || value > NUMBER_MAX) {
            return false;
        }
        value = value * 10 + (uint64_t)(*digit - '0');
    }
    *out = value;
    return true;
}

/* Another pid means that the watchdog is for another process. */
static int64_t take_watchdog_ms(void) {
    uint64_t usec = 0;
    uint64_t pid = 0;
    bool wanted = take_number("WATCHDOG_USEC", &usec);
    bool named = take_number("WATCHDOG_PID", &pid);
    if (!wanted || (named && pid != (uint64_t)getpid())) {
        return 0;
    }
    int64_t half = (int64_t)(usec / 2 / USEC_PER_MS);
    return half > 0 || usec == 0 ? half : 1;
}

struct notify notify_take(void) {
    struct notify notify = {.address.sun_family = AF_UNIX};
    char *path = notify.address.sun_path;
    notify.watchdog_ms = take_watchdog_ms();
    if (!take_variable("NOTIFY_SOCKET", path, sizeof notify.address.sun_path) ||
        (path[0] != '/' && path[0] != '@')) {
        return (struct notify){.length = 0};
    }
    size_t length = offsetof(struct sockaddr_un, sun_path) + strlen(path);
    if (path[0] == '@') {
        path[0] = '\0'; /* an abstract name has no closing zero */
    } else {
        length++;
    }
    notify.length = (socklen_t)length;
    return notify;
}

bool notify_send(const struct notify *notify, const char *text) {
    static const struct timeval patience = {.tv_sec = 1};
    if (notify->length == 0) {
        return false;
    }
    CLEANUP(own_close) int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    size_t len = strlen(text);
    return fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) == 0 &&
           sendto(fd, text, len, MSG_NOSIGNAL, (const struct sockaddr *)&notify->address,
                  notify->length) == (ssize_t)len;
}

bool notify_reloading(const struct notify *notify) {
    struct timespec now;
    char text[64];
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t usec = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
    (void)snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%" PRId64, usec);
    return notify_send(notify, text);
}
