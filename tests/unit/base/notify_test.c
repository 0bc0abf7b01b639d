/* The service manager gets each message, by path and by abstract name, and children inherit nothing
 * in their environment. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
/* cmocka needs these four first. */
#include <setjmp.h>

#include <cmocka.h>

#include "base/notify.h"

struct manager {
    int fd;
    char folder[32];
    char name[108]; /* in the form of NOTIFY_SOCKET */
};

/* Listens at a path, or at an abstract name. */
static void manager_open(struct manager *manager, bool abstract) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(manager->folder, "/tmp/landwaiter-notify.XXXXXX",
           sizeof "/tmp/landwaiter-notify.XXXXXX");
    assert_non_null(mkdtemp(manager->folder));
    int len = snprintf(manager->name, sizeof manager->name, "%s%s/socket", abstract ? "@" : "",
                       manager->folder);
    memcpy(address.sun_path, manager->name, (size_t)len);
    socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)len);
    if (abstract) {
        address.sun_path[0] = '\0';
    }
    manager->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(manager->fd >= 0);
    assert_int_equal(bind(manager->fd, (const struct sockaddr *)&address, length), 0);
    assert_int_equal(setenv("NOTIFY_SOCKET", manager->name, 1), 0);
}

static void manager_close(struct manager *manager) {
    (void)close(manager->fd);
    if (manager->name[0] != '@') {
        (void)unlink(manager->name);
    }
    (void)rmdir(manager->folder);
}

/* The next datagram; "": none. */
static const char *manager_next(const struct manager *manager, char *out, size_t size) {
    ssize_t got = recv(manager->fd, out, size - 1, 0);
    out[got > 0 ? got : 0] = '\0';
    return out;
}

static void one_way(bool abstract) {
    struct manager manager = {.fd = -1};
    char text[128];
    manager_open(&manager, abstract);
    struct notify notify = notify_take();
    assert_null(getenv("NOTIFY_SOCKET"));
    assert_true(notify_send(&notify, "READY=1\nSTATUS=ok"));
    assert_true(notify_send(&notify, "STOPPING=1"));
    assert_string_equal(manager_next(&manager, text, sizeof text), "READY=1\nSTATUS=ok");
    assert_string_equal(manager_next(&manager, text, sizeof text), "STOPPING=1");
    assert_true(notify_reloading(&notify));
    (void)manager_next(&manager, text, sizeof text);
    assert_int_equal(strncmp(text, "RELOADING=1\nMONOTONIC_USEC=", 27), 0);
    assert_true(strtoull(text + 27, NULL, 10) > 0);
    manager_close(&manager);
    assert_false(notify_send(&notify, "READY=1")); /* the socket is closed */
}

static void by_path(void **state) {
    (void)state;
    one_way(false);
}

static void by_abstract_name(void **state) {
    (void)state;
    one_way(true);
}

/* Messages keep no descriptor: the lowest free one is the same as before. */
static void leaks_nothing(void **state) {
    struct manager manager = {.fd = -1};
    char text[16];
    (void)state;
    manager_open(&manager, true);
    struct notify notify = notify_take();
    int before = dup(0);
    (void)close(before);
    for (int i = 0; i < 100; i++) {
        assert_true(notify_send(&notify, "WATCHDOG=1"));
        assert_string_equal(manager_next(&manager, text, sizeof text), "WATCHDOG=1");
    }
    int after = dup(0);
    (void)close(after);
    assert_int_equal(before, after);
    manager_close(&manager);
}

static void nobody_listens(void **state) {
    static const char *const sockets[] = {NULL, "", "relative", "vsock:2:9999"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(sockets); i++) {
        assert_int_equal(
            sockets[i] ? setenv("NOTIFY_SOCKET", sockets[i], 1) : unsetenv("NOTIFY_SOCKET"), 0);
        assert_int_equal(setenv("WATCHDOG_USEC", "1000000", 1), 0);
        struct notify notify = notify_take();
        assert_int_equal(notify.length, 0);
        assert_int_equal(notify.watchdog_ms, 0);
        assert_false(notify_send(&notify, "READY=1"));
        assert_null(getenv("NOTIFY_SOCKET"));
        assert_null(getenv("WATCHDOG_USEC"));
    }
}

/* A path that is too long is refused, not truncated. */
static void too_long(void **state) {
    char path[120] = {0};
    (void)state;
    memset(path, 'x', sizeof path - 1);
    path[0] = '/';
    assert_int_equal(setenv("NOTIFY_SOCKET", path, 1), 0);
    assert_int_equal(notify_take().length, 0);
}

static int64_t watchdog_of(const char *usec, const char *pid) {
    assert_int_equal(setenv("NOTIFY_SOCKET", "/nobody", 1), 0);
    assert_int_equal(usec ? setenv("WATCHDOG_USEC", usec, 1) : unsetenv("WATCHDOG_USEC"), 0);
    assert_int_equal(pid ? setenv("WATCHDOG_PID", pid, 1) : unsetenv("WATCHDOG_PID"), 0);
    int64_t half = notify_take().watchdog_ms;
    assert_null(getenv("WATCHDOG_USEC"));
    assert_null(getenv("WATCHDOG_PID"));
    return half;
}

static void watchdog(void **state) {
    char pid[16];
    (void)state;
    (void)snprintf(pid, sizeof pid, "%d", (int)getpid());
    assert_int_equal(watchdog_of("180000000", pid), 90000);
    assert_int_equal(watchdog_of("180000000", NULL), 90000);
    /* as often as possible, instead of never */
    assert_int_equal(watchdog_of("1", pid), 1);
    assert_int_equal(watchdog_of("180000000", "1"), 0); /* meant for another process */
    assert_int_equal(watchdog_of(NULL, pid), 0);
    assert_int_equal(watchdog_of("0", pid), 0);
    assert_int_equal(watchdog_of("many", pid), 0);
    assert_int_equal(watchdog_of("-1", pid), 0);
    assert_int_equal(watchdog_of("99999999999999999999", pid), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_path),       cmocka_unit_test(by_abstract_name),
        cmocka_unit_test(leaks_nothing), cmocka_unit_test(nobody_listens),
        cmocka_unit_test(too_long),      cmocka_unit_test(watchdog),
    };
    return cmocka_run_group_tests_name("notify", tests, NULL, NULL);
}
