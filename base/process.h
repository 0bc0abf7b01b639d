/* Runs a helper program to its end: bounded in time and output, without our descriptors, in a
 * process group that is killed with it. Blocks. */
#ifndef LANDWAITER_BASE_PROCESS_H
#define LANDWAITER_BASE_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct process_order {
    char *const *argv;        /* argv[0]: a path, or a name in PATH; ends with NULL */
    char *const *environment; /* "NAME=VALUE", ends with NULL; NULL: of ours, what a
                               * helper may need (paths, session, proxies, its cloud's names) */
    const char *input;        /* for its standard input; never in argv, which everybody can read */
    int64_t timeout_ms;
};

struct process_answer {
    struct buf output; /* set its maximum before; may hold secrets: process_answer_wipe */
    int status;        /* exit status; -1: killed by a signal */
};
#define PROCESS_ANSWER_INIT(maximum)                                                               \
    { .output = BUF_INIT(maximum), .status = -1 }
void process_answer_wipe(struct process_answer *answer);

/* True: the process has ended, with any status. Discards its standard error. ERR_INVALID: it cannot
 * be started (no such program, not executable, interpreter missing), or its output exceeds the
 * maximum; ERR_TRANSIENT: it was killed at the deadline, or the system lacks resources. The
 * messages have no subject: "cannot be started: …", "did not answer in 10 s". */
bool process_run(const struct process_order *order, struct process_answer *out,
                 struct err *err) MUST_USE;

#endif
