/* The keeper: forks listeners on order. Reads no other byte. */
#include "agent/listener/keeper.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/own.h"

#define SOCKETS 3
#define FORKED 1
#define NOT_FORKED 0

/* Room for the descriptors of one message. */
union control {
    struct cmsghdr head;
    char bytes[CMSG_SPACE(SOCKETS * sizeof(int))];
};

/* Sends one byte and up to SOCKETS descriptors. */
static bool send_fds(int to, char byte, const int *fds, size_t count) {
    union control control = {.bytes = {0}};
    struct iovec part = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (count > 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(count * sizeof(int));
        struct cmsghdr *head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(head), fds, count * sizeof(int));
    }
    ssize_t sent;
    do {
        sent = sendmsg(to, &message, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent == 1;
}

/* False: the other side is gone. *count: in, room in fds; out, how many arrived. */
static bool receive_fds(int from, char *byte, int *fds, size_t *count) {
    union control control;
    struct iovec part = {.iov_base = byte, .iov_len = 1};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = CMSG_SPACE(*count * sizeof(int))};
    ssize_t got;
    do {
        got = recvmsg(from, &message, MSG_CMSG_CLOEXEC);
    } while (got < 0 && errno == EINTR);
    const struct cmsghdr *head = got == 1 ? CMSG_FIRSTHDR(&message) : NULL;
    *count =
        head && head->cmsg_type == SCM_RIGHTS ? (head->cmsg_len - CMSG_LEN(0)) / sizeof(int) : 0;
    if (*count > 0) {
        memcpy(fds, CMSG_DATA(head), *count * sizeof(int));
    }
    return got == 1;
}

/* ---- in the keeper ---- */

/* False: no message with three sockets; the agent is gone. */
static bool receive_sockets(int orders, struct child_sockets *out) {
    char byte;
    int fds[SOCKETS];
    size_t count = SOCKETS;
    if (!receive_fds(orders, &byte, fds, &count) || count != SOCKETS) {
        return false;
    }
    *out = (struct child_sockets){.calls = fds[0], .orders = fds[1], .listening = fds[2]};
    return true;
}

static void close_sockets(struct child_sockets *sockets) {
    own_close(&sockets->calls);
    own_close(&sockets->orders);
    own_close(&sockets->listening);
}

/* Answers with FORKED and a pidfd, which means this process even after its number is used again. */
static bool answer(int orders, pid_t pid) {
    CLEANUP(own_close) int process = pid > 0 ? pidfd_open(pid, 0) : -1;
    return send_fds(orders, pid > 0 ? FORKED : NOT_FORKED, &process, process >= 0 ? 1 : 0);
}

static void run(int orders) {
    struct child_sockets sockets;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    (void)prctl(PR_SET_NAME, "lw-keeper", 0, 0, 0);
    (void)signal(SIGCHLD, SIG_IGN); /* nobody waits for listeners */
    (void)signal(SIGTERM, SIG_IGN); /* a signal for the group is the agent's */
    (void)signal(SIGINT, SIG_IGN);
    (void)signal(SIGHUP, SIG_IGN);
    while (receive_sockets(orders, &sockets)) {
        const pid_t keeper = getpid();
        pid_t pid = fork();
        if (pid == 0) {
            (void)close(orders);
            (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
            _exit(getppid() == keeper ? child_main(&sockets) : 1);
        }
        close_sockets(&sockets);
        if (!answer(orders, pid)) {
            break;
        }
    }
    _exit(0);
}

/* ---- in the agent ---- */

int keeper_start(struct err *err) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        (void)err_set(err, ERR_BUG, "the listener's keeper: %s", strerror(errno));
        return -1;
    }
    pid_t pid = fork();
    if (pid == 0) {
        (void)close(ends[0]);
        run(ends[1]);
    }
    (void)close(ends[1]);
    if (pid < 0) {
        (void)err_set(err, ERR_BUG, "the listener's keeper: %s", strerror(errno));
        own_close(&ends[0]);
    }
    return ends[0];
}

bool keeper_fork(int keeper, const struct child_sockets *sockets, int *process) {
    const int fds[SOCKETS] = {sockets->calls, sockets->orders, sockets->listening};
    char byte = NOT_FORKED;
    size_t count = 1;
    *process = -1;
    return send_fds(keeper, 0, fds, SOCKETS) && receive_fds(keeper, &byte, process, &count) &&
           byte == FORKED;
}
