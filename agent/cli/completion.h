/* The shells' completions, from the table of commands. */
#ifndef LANDWAITER_AGENT_CLI_COMPLETION_H
#define LANDWAITER_AGENT_CLI_COMPLETION_H

#include <stdio.h>

#include "agent/cli/command.h"

struct completion {
    const char *shell; /* contrib/completions/landwaiter.SHELL; NULL ends the table */
    void (*print)(const struct command *const *commands,
                  FILE *out); /* a table that ends with NULL */
};
extern const struct completion completion_table[];

#endif
