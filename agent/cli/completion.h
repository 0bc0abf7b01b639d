/* The shell's completion out of the table of commands. */
#ifndef LANDWAITER_AGENT_CLI_COMPLETION_H
#define LANDWAITER_AGENT_CLI_COMPLETION_H

#include <stdio.h>

#include "base/own.h"

/* contrib/completions/landwaiter.bash */
void completion_print_bash(FILE *out);

#endif
