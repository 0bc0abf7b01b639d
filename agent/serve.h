/* `landwaiter serve`: the agent in the foreground. */
#ifndef LANDWAITER_AGENT_SERVE_H
#define LANDWAITER_AGENT_SERVE_H

struct serve_options {
    const char *config_path; /* NULL: LANDWAITER_CONFIG or the default path */
    const char
        *test_clock; /* builds with the tests: the file of the tests' clock; NULL: the real clock */
};

/* Runs until SIGTERM or SIGINT and returns the exit status: 0 after an orderly stop, 1 if it cannot
 * start, 2 for a faulty configuration, after printing the faults to stderr. */
int serve_run(const struct serve_options *options);

#endif
