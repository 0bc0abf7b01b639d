/* `landwaiter serve`: the agent in the foreground. */
#ifndef LANDWAITER_AGENT_SERVE_H
#define LANDWAITER_AGENT_SERVE_H

struct serve_options {
    const char *config_path; /* NULL: LANDWAITER_CONFIG or the default path */
    const char *test_clock; /* builds with the tests: the file of their clock; NULL: the real one */
};

/* Runs until SIGTERM or SIGINT and returns the exit status: 0 after an orderly end, 1 when it could
 * not start or go on, 2 after a faulty configuration, whose faults it printed on stderr. */
int serve_run(const struct serve_options *options);

#endif
