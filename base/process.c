/* Starts a helper program, reads its output, and ends it. */
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

/* The exit status if posix_spawn could not report the failure (POSIX; under an emulator), and of a
 * shell or env that does not find its program. */
#define PROCESS_NOT_FOUND 127

struct process_run {
    pid_t pid;
    int output;
    int64_t deadline;
    int status;
};

void process_answer_wipe(struct process_answer *answer) {
    buf_wipe(&answer->output);
}

/* Passes the input as a file: a program that never reads it cannot block us. */
static int process_input_new(const char *text) {
    int fd = memfd_create("input", MFD_CLOEXEC);
    size_t len = strlen(text);
    if (fd >= 0 && (write(fd, text, len) != (ssize_t)len || lseek(fd, 0, SEEK_SET) != 0)) {
        own_close(&fd);
    }
    return fd;
}

/* A helper may need the parts of our environment that tell where it finds its files, its session, a
 * proxy, and the credentials of its own cloud. The rest may hold secrets that are not meant for
 * it. */
static bool process_inherits(const char *entry) {
    static const char *const names[] = {"PATH",
                                        "HOME",
                                        "USER",
                                        "LOGNAME",
                                        "SHELL",
                                        "LANG",
                                        "LANGUAGE",
                                        "TZ",
                                        "TMPDIR",
                                        "TERM",
                                        "DISPLAY",
                                        "DBUS_SESSION_BUS_ADDRESS",
                                        "WAYLAND_DISPLAY",
                                        "GNUPGHOME",
                                        "KUBECONFIG",
                                        "DOCKER_CONFIG",
                                        "SSL_CERT_FILE",
                                        "SSL_CERT_DIR",
                                        "HTTP_PROXY",
                                        "HTTPS_PROXY",
                                        "NO_PROXY",
                                        "ALL_PROXY",
                                        "http_proxy",
                                        "https_proxy",
                                        "no_proxy",
                                        "all_proxy"};
    static const char *const families[] = {"LC_",     "XDG_",       "GPG_",    "PASSWORD_STORE_",
                                           "AWS_",    "AZURE_",     "GOOGLE_", "CLOUDSDK_",
                                           "GCLOUD_", "KUBERNETES_"};
    const size_t len = strcspn(entry, "=");
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        if (strlen(names[i]) == len && memcmp(names[i], entry, len) == 0) {
            return true;
        }
    }
    for (size_t i = 0; i < ARRAY_LENGTH(families); i++) {
        if (strncmp(families[i], entry, strlen(families[i])) == 0) {
            return true;
        }
    }
    return false;
}

/* The caller frees the list; its entries are those of environ. NULL: out of memory. */
static char **process_environment(void) {
    size_t count = 0;
    while (environ && environ[count]) {
        count++;
    }
    char **list = calloc(count + 1, sizeof *list);
    size_t kept = 0;
    for (size_t i = 0; list && i < count; i++) {
        if (process_inherits(environ[i])) {
            list[kept++] = environ[i];
        }
    }
    return list;
}

/* Starts a process group, so that descendants end too; with no blocked signals and none of our
 * descriptors. */
static int process_spawn(pid_t *pid, const struct process_order *order, int input, int output) {
    CLEANUP(own_free) char **inherited = process_environment();
    char *const *environment = order->environment ? order->environment : inherited;
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    if (!environment || posix_spawn_file_actions_init(&files) != 0) {
        return ENOMEM;
    }
    if (posix_spawnattr_init(&attributes) != 0) {
        (void)posix_spawn_file_actions_destroy(&files);
        return ENOMEM;
    }
    sigset_t none;
    sigset_t defaults;
    (void)sigemptyset(&none);
    (void)sigemptyset(&defaults);
    (void)sigaddset(&defaults, SIGPIPE);
    (void)posix_spawnattr_setpgroup(&attributes, 0);
    (void)posix_spawnattr_setsigmask(&attributes, &none);
    (void)posix_spawnattr_setsigdefault(&attributes, &defaults);
    int fault = posix_spawnattr_setflags(
        &attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    fault = fault ? fault : posix_spawn_file_actions_adddup2(&files, input, STDIN_FILENO);
    fault = fault ? fault : posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
    fault = fault
                ? fault
                : posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    fault = fault ? fault : posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
    fault = fault
                ? fault
                : posix_spawnp(pid, order->argv[0], &files, &attributes, order->argv, environment);
    (void)posix_spawnattr_destroy(&attributes);
    (void)posix_spawn_file_actions_destroy(&files);
    return fault;
}

static bool process_start(const struct process_order *order, struct process_run *run,
                          struct err *err) {
    CLEANUP(own_close) int input = process_input_new(order->input);
    int ends[2] = {-1, -1};
    if (input < 0 || pipe2(ends, O_CLOEXEC) != 0) {
        return err_set(err, ERR_TRANSIENT, "cannot be started: %s", strerrordesc_np(errno));
    }
    CLEANUP(own_close) int writing = ends[1];
    pid_t pid = -1;
    int fault = process_spawn(&pid, order, input, writing);
    if (fault != 0) {
        own_close(&ends[0]);
        enum err_kind kind = fault == ENOENT || fault == EACCES ? ERR_INVALID : ERR_TRANSIENT;
        return err_set(err, kind, "cannot be started: %s", strerrordesc_np(fault));
    }
    run->pid = pid;
    run->output = ends[0];
    run->deadline = clock_boot_ms() + order->timeout_ms;
    return true;
}

/* False: the deadline passed first. */
static bool process_wait_for(int fd, int64_t deadline) {
    for (;;) {
        int64_t left = deadline - clock_boot_ms();
        struct pollfd wanted = {.fd = fd, .events = POLLIN};
        int ready = left > 0 ? poll(&wanted, 1, (int)left) : 0;
        if (ready > 0) {
            return true;
        }
        if (ready == 0 || errno != EINTR) {
            return false;
        }
    }
}

/* False: too late, or too much output. */
static bool process_read(const struct process_run *run, struct buf *answer) {
    char part[4096];
    bool complete = false;
    while (!complete && !answer->overflow && process_wait_for(run->output, run->deadline)) {
        ssize_t count = read(run->output, part, sizeof part);
        if (count > 0) {
            buf_append(answer, part, (size_t)count);
        }
        complete = count == 0 || (count < 0 && errno != EINTR);
    }
    explicit_bzero(part, sizeof part);
    return complete && !answer->overflow;
}

/* False: it did not end in time. Kills the rest of its group; safe before reaping, because its
 * number cannot be reused until then. */
static bool process_finish(struct process_run *run, bool wait) {
    bool ended = false;
    if (wait) {
        CLEANUP(own_close) int process = pidfd_open(run->pid, 0);
        ended = process >= 0 && process_wait_for(process, run->deadline);
    }
    (void)kill(-run->pid, SIGKILL);
    (void)kill(run->pid, SIGKILL); /* the group may not exist yet if posix_spawn forks */
    while (waitpid(run->pid, &run->status, 0) < 0 && errno == EINTR) {
    }
    own_close(&run->output);
    return ended;
}

bool process_run(const struct process_order *order, struct process_answer *out, struct err *err) {
    struct process_run run = {.pid = -1, .output = -1};
    if (!process_start(order, &run, err)) {
        return false;
    }
    bool complete = process_read(&run, &out->output);
    if (out->output.overflow) {
        (void)process_finish(&run, false);
        return err_set(err, ERR_INVALID, "says too much");
    }
    if (!process_finish(&run, complete)) {
        char span[CLOCK_TEXT_SIZE];
        return err_set(err, ERR_TRANSIENT, "did not answer in %s",
                       clock_duration_text(order->timeout_ms, span));
    }
    if (WIFEXITED(run.status) && WEXITSTATUS(run.status) == PROCESS_NOT_FOUND &&
        out->output.len == 0) {
        return err_set(err, ERR_INVALID, "cannot be started: not found");
    }
    out->status = WIFEXITED(run.status) ? WEXITSTATUS(run.status) : -1;
    return true;
}
