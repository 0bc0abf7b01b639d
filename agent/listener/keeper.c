/* The keeper: forks listeners on order. Reads no other byte. */
#include "agent/listener/keeper.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/own.h"

#define SOCKETS 3

/* Room for the descriptors of one message. */
union control {
    struct cmsghdr head;
    char bytes[CMSG_SPACE(SOCKETS * sizeof(int))];
};

/* ---- in the keeper ---- */

/* False: no message with three sockets; the agent is gone. */
static bool receive_sockets(int orders, struct child_sockets *out) {
    char byte;
    union control control;
    int fds[SOCKETS];
    struct iovec part = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    ssize_t got;
    do {
        got = recvmsg(orders, &message, MSG_CMSG_CLOEXEC);
    } while (got < 0 && errno == EINTR);
    const struct cmsghdr *head = got == 1 ? CMSG_FIRSTHDR(&message) : NULL;
    if (!head || head->cmsg_type != SCM_RIGHTS || head->cmsg_len != CMSG_LEN(sizeof fds)) {
        return false;
    }
    memcpy(fds, CMSG_DATA(head), sizeof fds);
    *out = (struct child_sockets){.calls = fds[0], .orders = fds[1], .listening = fds[2]};
    return true;
}

static void close_sockets(struct child_sockets *sockets) {
    own_close(&sockets->calls);
    own_close(&sockets->orders);
    own_close(&sockets->listening);
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
        const int64_t answer = pid;
        if (send(orders, &answer, sizeof answer, MSG_NOSIGNAL) != (ssize_t)sizeof answer) {
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

pid_t keeper_fork(int keeper, const struct child_sockets *sockets) {
    char byte = 0;
    union control control = {.bytes = {0}};
    const int fds[SOCKETS] = {sockets->calls, sockets->orders, sockets->listening};
    struct iovec part = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof fds);
    memcpy(CMSG_DATA(head), fds, sizeof fds);
    int64_t answer = -1;
    if (sendmsg(keeper, &message, MSG_NOSIGNAL) != 1 ||
        recv(keeper, &answer, sizeof answer, 0) != (ssize_t)sizeof answer) {
        return -1;
    }
    return (pid_t)answer;
}
