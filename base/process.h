/* Runs a helper program to its end: bounded in time and in what it says, with nothing of ours open
 * to it, in a group of its own that ends with it. Blocks. */
#ifndef LANDWAITER_BASE_PROCESS_H
#define LANDWAITER_BASE_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct process_order {
    char *const *argv;        /* argv[0]: a path, or a name in PATH; ends with NULL */
    char *const *environment; /* "NAME=VALUE", ends with NULL; NULL: ours */
    const char
        *input; /* what it reads on its standard input; never in argv, where all can see it */
    int64_t timeout_ms;
};

struct process_answer {
    struct buf output; /* born with its maximum; may hold secrets: process_answer_wipe */
    int status;        /* its exit status; -1: a signal ended it */
};
#define PROCESS_ANSWER_INIT(maximum)                                                               \
    { .output = BUF_INIT(maximum), .status = -1 }
void process_answer_wipe(struct process_answer *answer);

/* True: it has ended, in whatever way. Its standard error goes nowhere. ERR_INVALID: it cannot be
 * started (no such program, not executable, its interpreter is missing), or says more than the
 * maximum; ERR_TRANSIENT: the time is over (it was killed), or the system has no room for it. The
 * messages are clauses without a subject: "cannot be started: …", "did not answer in 10 s". */
bool process_run(const struct process_order *order, struct process_answer *out,
                 struct err *err) MUST_USE;

#endif
