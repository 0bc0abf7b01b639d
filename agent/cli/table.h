/* All commands. */
#ifndef LANDWAITER_AGENT_CLI_TABLE_H
#define LANDWAITER_AGENT_CLI_TABLE_H

#include <stdio.h>

#include "agent/cli/command.h"

/* NULL ends the table. */
extern const struct command *const command_table[];
/* Finds a command by name. NULL: none. */
const struct command *command_find(const char *name);
void command_print_usage(FILE *out);

#endif
