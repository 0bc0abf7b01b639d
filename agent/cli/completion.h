/* The shells' completions out of the table of commands. */
#ifndef LANDWAITER_AGENT_CLI_COMPLETION_H
#define LANDWAITER_AGENT_CLI_COMPLETION_H

#include <stdio.h>

#include "base/own.h"

struct completion {
    const char *shell; /* contrib/completions/landwaiter.SHELL; NULL ends the table */
    void (*print)(FILE *out);
};
extern const struct completion completion_table[];

#endif
