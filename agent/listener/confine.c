/* Confinement: owns the lists of files and system calls of a listener. */
#include "agent/listener/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/own.h"

void confine_agent(void) {
    const struct rlimit none = {0, 0};
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    (void)setrlimit(RLIMIT_CORE, &none);
#ifndef LANDWAITER_TEST_HOOKS /* sanitizers look for leaks as a debugger does */
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}

/* ---- the user ---- */

static bool change_user(void) {
    if (geteuid() != 0) {
        return true;
    }
    return setgroups(0, NULL) == 0 && setresgid(CONFINE_USER, CONFINE_USER, CONFINE_USER) == 0 &&
           setresuid(CONFINE_USER, CONFINE_USER, CONFINE_USER) == 0;
}

/* ---- files ---- */

/* For TLS towards issuers of tokens, for names, and for the libraries themselves. */
static const char *const readable[] = {
    "/etc/ssl",
    "/etc/pki",
    "/etc/ca-certificates",
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/host.conf",
    "/etc/nsswitch.conf",
    "/etc/gai.conf",
    "/etc/services",
    "/etc/protocols",
    "/etc/gnutls",
    "/etc/crypto-policies",
    "/etc/localtime",
    "/etc/ld.so.cache",
    "/etc/ld.so.preload",
    "/usr/share",
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/lib",
    "/lib64",
    "/run/systemd/resolve",
    "/usr/local/share",
    "/dev/urandom",
};

#define READS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)

static void allow_path(int rules, const char *path) {
    CLEANUP(own_close) int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0) {
        return;
    }
    struct landlock_path_beneath_attr rule = {.parent_fd = fd, .allowed_access = READS};
    if (syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0) {
        rule.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE; /* a file, not a folder */
        (void)syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    }
}

static bool restrict_files(void) {
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (version < 1) {
        return false;
    }
    /* All that the oldest version knows; a newer one's rights are few and concern writing. */
    struct landlock_ruleset_attr wanted = {.handled_access_fs =
                                               (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1};
    CLEANUP(own_close)
    int rules =
        (int)syscall(SYS_landlock_create_ruleset, &wanted, sizeof wanted.handled_access_fs, 0);
    if (rules < 0) {
        return false;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(readable); i++) {
        allow_path(rules, readable[i]);
    }
    const char *authorities = getenv("SSL_CERT_FILE");
    if (authorities) {
        allow_path(rules, authorities);
    }
    return syscall(SYS_landlock_restrict_self, rules, 0) == 0;
}

/* ---- system calls ---- */

static const char *const allowed[] = {
    /* the loop */
    "epoll_create1",
    "epoll_ctl",
    "epoll_wait",
    "epoll_pwait",
    "epoll_pwait2",
    "poll",
    "ppoll",
    "ppoll_time64",
    "select",
    "_newselect",
    "pselect6",
    "pselect6_time64",
    "eventfd2",
    "pipe2",
    /* sockets */
    "accept",
    "accept4",
    "recv",
    "recvfrom",
    "recvmsg",
    "recvmmsg",
    "recvmmsg_time64",
    "send",
    "sendto",
    "sendmsg",
    "sendmmsg",
    "shutdown",
    "getsockopt",
    "setsockopt",
    "getsockname",
    "getpeername",
    "connect",
    "read",
    "readv",
    "write",
    "writev",
    "close",
    "sendfile",
    "sendfile64",
    "fcntl",
    "fcntl64",
    "ioctl",
    /* files: Landlock says which */
    "open",
    "openat",
    "stat",
    "stat64",
    "fstat",
    "fstat64",
    "lstat",
    "lstat64",
    "newfstatat",
    "fstatat64",
    "statx",
    "lseek",
    "_llseek",
    "pread64",
    "access",
    "faccessat",
    "faccessat2",
    "readlink",
    "readlinkat",
    "getdents",
    "getdents64",
    "getcwd",
    "fadvise64",
    "arm_fadvise64_64",
    /* memory */
    "brk",
    "mmap",
    "mmap2",
    "munmap",
    "mremap",
    "madvise",
    "mprotect",
    "membarrier",
    /* threads, times, chance */
    "clone",
    "clone3",
    "set_robust_list",
    "rseq",
    "futex",
    "futex_time64",
    "sched_yield",
    "sched_getaffinity",
    "set_tid_address",
    "gettid",
    "getpid",
    "getuid",
    "geteuid",
    "getgid",
    "getegid",
    "getuid32",
    "geteuid32",
    "getgid32",
    "getegid32",
    "nanosleep",
    "clock_nanosleep",
    "clock_nanosleep_time64",
    "clock_gettime",
    "clock_gettime64",
    "clock_getres",
    "clock_getres_time64",
    "gettimeofday",
    "time",
    "getrandom",
    "uname",
    "sysinfo",
    "prctl",
    "getrlimit",
    "ugetrlimit",
    "prlimit64",
    "rt_sigaction",
    "rt_sigprocmask",
    "rt_sigreturn",
    "sigreturn",
    "sigaltstack",
    "restart_syscall",
    "tgkill",
    "exit",
    "exit_group",
};

/* Pairs of streams, with which libcurl wakes its threads: a pair of datagrams could be connected to
 * another process's socket. */
static bool allow_pairs(scmp_filter_ctx filter) {
    const struct scmp_arg_cmp is_stream = {
        .arg = 1, .op = SCMP_CMP_MASKED_EQ, .datum_a = 0xF, .datum_b = SOCK_STREAM};
    return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(socketpair), 1, &is_stream) == 0;
}

/* Only towards networks: the Docker engine listens on a Unix socket. */
static bool allow_sockets(scmp_filter_ctx filter, int family) {
    const struct scmp_arg_cmp is_family = {
        .arg = 0, .op = SCMP_CMP_EQ, .datum_a = (scmp_datum_t)family, .datum_b = 0};
    return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1, &is_family) == 0;
}

static bool allow_calls(scmp_filter_ctx filter) {
    for (size_t i = 0; i < ARRAY_LENGTH(allowed); i++) {
        int number = seccomp_syscall_resolve_name(allowed[i]);
        if (number != __NR_SCMP_ERROR && seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0) != 0 &&
            number >= 0) {
            return false;
        }
    }
    return allow_sockets(filter, AF_INET) && allow_sockets(filter, AF_INET6) && allow_pairs(filter);
}

static bool restrict_calls(void) {
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    bool good = filter && allow_calls(filter) && seccomp_load(filter) == 0;
    if (filter) {
        seccomp_release(filter);
    }
    return good;
}

struct confinement confine_listener(void) {
    struct confinement done = {.user = change_user()};
    confine_agent();
    done.files = restrict_files();
    done.syscalls = restrict_calls();
    return done;
}
