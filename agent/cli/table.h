/* The commands that there are. */
#ifndef LANDWAITER_AGENT_CLI_TABLE_H
#define LANDWAITER_AGENT_CLI_TABLE_H

#include <stdio.h>

#include "agent/cli/command.h"

/* Ends with NULL. */
extern const struct command *const command_table[];
/* NULL: there is none of that name. */
const struct command *command_find(const char *name);
void command_print_usage(FILE *out);

#endif
